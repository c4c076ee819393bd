/** Building DOM without HTML text: foreign words can only ever become text nodes or vetted attributes. */

const SVG = "http://www.w3.org/2000/svg";

function apply(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "class") node.setAttribute("class", Array.isArray(value) ? value.filter(Boolean).join(" ") : value);
  else if (name === "text") node.textContent = value;
  else if (name === "vars") for (const [key, content] of Object.entries(value)) node.style.setProperty(key, content);
  else if (name === "data")
    for (const [key, content] of Object.entries(value)) {
      if (content !== undefined && content !== null) node.dataset[key] = content;
    }
  else if (name === "value" && "value" in node) node.value = value;
  else node.setAttribute(name, value === true ? "" : String(value));
}

function fill(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** An HTML element: `h("button", {class: "button", onclick}, "Send")`. Strings become text, never markup. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) if (name !== "value") apply(node, name, value);
  fill(node, children);
  if (props && "value" in props) apply(node, "value", props.value);
  return node;
}

/** An SVG element, built the same way. */
export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) apply(node, name, value);
  return fill(node, children);
}

export function fragment(...children) {
  return fill(document.createDocumentFragment(), children);
}

export function replaceChildren(node, ...children) {
  node.replaceChildren(fragment(...children));
}

let counter = 0;
/** An id for label/control and ARIA references, unique in this page. */
export function uid(prefix = "id") {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Swaps `old` for `fresh` and gives the keyboard focus back to the same control (by its data-key) or to the whole. */
export function swap(old, fresh) {
  const active = document.activeElement;
  const inside = old.contains(active);
  const key = inside ? active.closest("[data-key]")?.dataset.key : undefined;
  old.replaceWith(fresh);
  if (!inside) return;
  const again = key && [...fresh.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key);
  const target = again ?? fresh;
  (target.matches("button,a,input,textarea,[tabindex]")
    ? target
    : (target.querySelector("button,a,input,textarea") ?? fresh)
  ).focus({ preventScroll: true });
}

/** The address as given if a browser may follow it safely, else null: `javascript:`, `data:` and friends are refused. */
export function safeUrl(address) {
  if (typeof address !== "string" || /[\u0000-\u001f\s]/u.test(address.trim())) return null;
  try {
    const url = new URL(address.trim(), location.href);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
