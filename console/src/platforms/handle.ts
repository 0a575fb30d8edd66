import type { Capability } from "../api/types";

export interface HandleCheck {
  /** What is sent: the handle without `@`, or the address. */
  value: { handle: string } | { profileUrl: string } | null;
  /** What is wrong, once there is something to say. */
  problem: string | null;
  /** The handle that the text names, for showing what will be linked. */
  reads: string | null;
}

/** The host without what servers put in front of it. */
const bare = (host: string) => host.toLowerCase().replace(/^(www|m|mobile)\./, "");

/**
 * Checks what someone types by the rule that the API states of the platform. The API has the last word: a handle that
 * passes here can still be refused there, one that fails here would be.
 */
export function checkHandle(capability: Capability, typed: string): HandleCheck {
  const text = typed.trim();
  const { name, handleRule: rule } = capability;
  if (text === "") return { value: null, problem: null, reads: null };
  const wrong = `Invalid handle. A ${name} handle is ${capability.handle}.`;
  if (/^https?:\/\//i.test(text) || (rule.hosts.length > 0 && rule.hosts.some((host) => bare(text).startsWith(`${host}/`)))) {
    return checkAddress(capability, /^https?:/i.test(text) ? text : `https://${text}`);
  }
  const handle = text.replace(/^@+/, "");
  if (!matches(rule.pattern, handle)) return { value: null, problem: wrong, reads: null };
  return { value: { handle }, problem: null, reads: handle };
}

function checkAddress(capability: Capability, text: string): HandleCheck {
  const { name, handleRule: rule } = capability;
  const problem = `Invalid profileUrl. It must be the address of a ${name} profile.`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { value: null, problem, reads: null };
  }
  const host = bare(url.hostname);
  const isOurs = rule.hosts.length === 0 || rule.hosts.some((known) => host === known || host.endsWith(`.${known}`));
  const path = decodeURIComponent(url.pathname).replace(/^\/+/, "");
  if (!isOurs || path === "") return { value: null, problem, reads: null };
  const prefix = rule.pathPrefixes.find((known) => path.startsWith(known)) ?? "";
  const first = path.slice(prefix.length).split("/")[0] ?? "";
  return { value: { profileUrl: url.toString() }, problem: null, reads: first === "" ? null : first.replace(/^@/, "") };
}

function matches(pattern: string, handle: string): boolean {
  return new RegExp(`^(?:${pattern})$`, "iu").test(handle);
}
