import type { Capability, Connection } from "../api/types";
import type { Tone } from "../ui/Badge";

/** What a card can do about its connection. */
export type Action = "view" | "refresh" | "retry" | "reconnect" | "resume" | "pause" | "disconnect" | "remove";

/** Reasons that only a new consent mends. */
const RECONNECT = new Set(["token_expired", "permission_missing", "oauth_required", "disconnected"]);

export const isSyncing = (connection: Connection): boolean =>
  connection.connected && !connection.paused && (connection.syncStatus === "SYNCING" || connection.syncStatus === "PENDING");

export const needsReconnect = (connection: Connection): boolean =>
  !connection.connected || RECONNECT.has(connection.syncErrorCode ?? "");

export interface StateView {
  label: string;
  tone: Tone;
  spinning: boolean;
}

export function stateOf(connection: Connection): StateView {
  if (!connection.connected) return { label: "DISCONNECTED", tone: "neutral", spinning: false };
  if (connection.paused) return { label: "PAUSED", tone: "warn", spinning: false };
  switch (connection.syncStatus) {
    case "PENDING":
      return { label: "PENDING", tone: "info", spinning: false };
    case "SYNCING":
      return { label: "SYNCING", tone: "info", spinning: true };
    case "READY":
      return { label: "READY", tone: "good", spinning: false };
    default:
      return { label: "ERROR", tone: "bad", spinning: false };
  }
}

/** The one thing to do next, as far as there is one. */
export function mainAction(connection: Connection, capability: Capability | undefined): Action {
  const canConsent = capability?.connect.oauth === true || capability?.connect.appPassword === true;
  if (needsReconnect(connection) && canConsent) return "reconnect";
  if (connection.paused) return "resume";
  return connection.syncStatus === "ERROR" ? "retry" : "refresh";
}

const WEEK = 7 * 86_400_000;

export interface TokenView {
  text: string;
  tone: Tone;
  at: string | null;
}

/** How long the consent holds. A token that renews itself is no one's concern before that fails. */
export function tokenOf(connection: Connection, capability: Capability | undefined, now: number): TokenView | null {
  if (connection.connectionType !== "OAUTH" || !connection.connected) return null;
  const at = connection.tokenExpiresAt ?? null;
  if (capability !== undefined && capability.token.renewal !== "none") {
    return { text: "Renews by itself", tone: "neutral", at };
  }
  if (at === null) return { text: "Does not expire", tone: "neutral", at };
  const left = new Date(at).getTime() - now;
  if (left <= 0) return { text: "Expired", tone: "bad", at };
  return { text: "Expires", tone: left < WEEK ? "warn" : "neutral", at };
}
