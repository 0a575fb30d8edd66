import type { Toast } from "../ui/Toasts";

/** What a platform's page came back with, for a person (docs/user-guide.md lists the codes). */
const OUTCOMES: Record<string, string> = {
  access_denied: "Nothing was connected: access was not granted.",
  platform_refused: "The platform ended the consent with an error. Start again.",
  other_browser: "This consent was started in another browser. Start again here.",
  token_refused: "The platform's answer was too old or already used. Start again.",
  code_missing: "The platform sent no answer. Start again.",
  permission_missing: "A permission is missing. Start again and leave every box ticked.",
  account_suspended: "The platform has suspended this account. Its owner settles that there.",
  profile_not_found: "The account's profile was not found on the platform.",
  app_rejected: "The platform refuses this installation's app. Tell your administrator.",
  platform_unavailable: "The platform did not answer. Start again in a minute.",
  handle_of_another_account: "Another connection holds this handle for another account. Sync or delete that one first.",
};

/** How a consent ended, in one sentence. */
export function outcomeOf({ connectionId, error }: { connectionId?: string | undefined; error?: string | undefined }): Toast | null {
  if (error !== undefined) return { tone: "bad", text: OUTCOMES[error] ?? `The account was not connected (${error}). Start again.` };
  return connectionId === undefined ? null : { tone: "good", text: "Connected. The first sync is under way." };
}
