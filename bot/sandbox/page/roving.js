/** One Tab stop per list; arrow keys, Home and End move inside it (the roving tabindex pattern of the ARIA guide). */

/** `container` handles keys for the items that match `selector`; the axis is "vertical", "horizontal" or "both". */
export function roving(container, selector, axis = "vertical") {
  const forward =
    axis === "horizontal" ? ["ArrowRight"] : axis === "both" ? ["ArrowDown", "ArrowRight"] : ["ArrowDown"];
  const backward = axis === "horizontal" ? ["ArrowLeft"] : axis === "both" ? ["ArrowUp", "ArrowLeft"] : ["ArrowUp"];
  const items = () => [...container.querySelectorAll(selector)].filter((item) => item.getClientRects().length > 0);

  container.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (!event.target.matches(selector)) return;
    const all = items();
    const at = all.indexOf(event.target);
    const next =
      { Home: 0, End: all.length - 1 }[event.key] ??
      (forward.includes(event.key) ? at + 1 : backward.includes(event.key) ? at - 1 : null);
    if (next === null || next < 0 || next >= all.length) return;
    event.preventDefault();
    all[next].focus();
  });
  container.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item && container.contains(item)) stop(container, selector, item);
  });
}

/** Makes `chosen` (or the first item) the one Tab stop. */
export function stop(container, selector, chosen = null) {
  const all = [...container.querySelectorAll(selector)];
  const target = chosen ?? all.find((item) => item.tabIndex === 0) ?? all[0];
  for (const item of all) item.tabIndex = item === target ? 0 : -1;
}
