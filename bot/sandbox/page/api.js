/** The control API of the local workspace: what a person does becomes one request, what went wrong one sentence. */

/** A refusal of the workspace, worded for the reader; `code` is Slack's error name where there is one. */
export class Refused extends Error {
  constructor(sentence, code = null) {
    super(sentence);
    this.name = "Refused";
    this.code = code;
  }
}

const UNREACHABLE = "The local workspace does not answer. Is it still running? Look at the terminal that started it.";

async function request(path, init) {
  let response;
  try {
    response = await fetch(`/control/${path}`, init);
  } catch {
    throw new Refused(UNREACHABLE, "unreachable");
  }
  const body = await response.json().catch(() => null);
  if (body === null) throw new Refused(`The workspace answered ${response.status} to ${path} without saying why.`);
  if (!response.ok || body.ok === false) throw new Refused(sentence(body.error, path), body.error);
  return body;
}

function sentence(error, path) {
  if (typeof error !== "string" || error === "") return `The workspace refused ${path}.`;
  return error;
}

function query(parameters) {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

export function read(path, parameters = {}) {
  return request(`${path}${query(parameters)}`, { headers: { Accept: "application/json" } });
}

export function act(path, body) {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Posts files (with their message) as a form; `fields` without a value are left out. */
export function upload(fields, files) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined && value !== null) form.append(name, value);
  for (const file of files) form.append("file", file, file.name);
  return request("upload", { method: "POST", body: form });
}

export function liveAddress(user) {
  return `/control/live${query({ user })}`;
}
