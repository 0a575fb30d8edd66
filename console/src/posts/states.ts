import type { Delivery, Post } from "../api/types";
import type { Tone } from "../ui/Badge";

export interface StateWord {
  label: string;
  tone: Tone;
  /** What it means, in one sentence. */
  means: string;
}

const DELIVERY: Record<string, StateWord> = {
  scheduled: { label: "Scheduled", tone: "info", means: "Waits for its time, its account or its next attempt." },
  claimed: { label: "Preparing", tone: "info", means: "Files and uploads are being made; nothing is visible yet." },
  submitting: { label: "Sending", tone: "info", means: "It is being sent to the platform." },
  processing: { label: "Processing", tone: "info", means: "The platform is processing it." },
  unconfirmed: { label: "Unconfirmed", tone: "warn", means: "It may be there. Herald will not send it again before that is known." },
  published: { label: "Published", tone: "good", means: "It is there." },
  failed: { label: "Failed", tone: "bad", means: "It is not there." },
  missed: { label: "Missed", tone: "bad", means: "Its time window passed, so it was not sent late." },
  cancelled: { label: "Cancelled", tone: "neutral", means: "It was taken back before it went out." },
};

const POST: Record<string, StateWord> = {
  draft: { label: "Draft", tone: "neutral", means: "Not scheduled." },
  scheduled: { label: "Scheduled", tone: "info", means: "Goes out at its time." },
  queued: { label: "Going out", tone: "info", means: "At work now." },
  published: { label: "Published", tone: "good", means: "Out everywhere." },
  partial: { label: "Partly out", tone: "warn", means: "Out on some platforms and not on others." },
  failed: { label: "Failed", tone: "bad", means: "Out nowhere." },
  archived: { label: "Archived", tone: "neutral", means: "Put away." },
};

const unknown = (state: string): StateWord => ({ label: state, tone: "neutral", means: "" });

export const POST_STATES = Object.keys(POST);
export const deliveryState = (delivery: Pick<Delivery, "status">): StateWord => DELIVERY[delivery.status] ?? unknown(delivery.status);
export const postState = (status: string): StateWord => POST[status] ?? unknown(status);

/** What a post shows at a glance. A person's decision comes before everything else. */
export function badgeOf(post: Post): StateWord {
  if (post.status !== "archived") {
    for (const state of ["unconfirmed", "missed"]) {
      if (post.deliveries.some((delivery) => delivery.status === state)) return DELIVERY[state] ?? unknown(state);
    }
  }
  return postState(post.status);
}

/** When a post stands in the calendar: when it went or goes out; a draft, when it was written. */
export const standsAt = (post: Post): string => post.scheduledAt ?? post.postedAt ?? post.createdAt;

/** Only what is not at work yet can be given another time. */
export const canMove = (post: Post): boolean => post.status === "scheduled" || post.status === "draft";

const STEPS: Record<string, string> = {
  hold: "Held",
  prepare: "Prepared",
  submit: "Sent",
  look: "Looked at it",
  find: "Looked for it",
  follow_up: "Followed up",
  delete: "Deleted",
};
const OUTCOMES: Record<string, { word: string; tone: Tone }> = {
  ok: { word: "done", tone: "good" },
  waiting: { word: "waiting", tone: "info" },
  failed: { word: "refused", tone: "bad" },
  unknown: { word: "no clear answer", tone: "warn" },
  absent: { word: "not there", tone: "neutral" },
};

export const stepWord = (step: string): string => STEPS[step] ?? step;
export const outcomeWord = (outcome: string): { word: string; tone: Tone } => OUTCOMES[outcome] ?? { word: outcome, tone: "neutral" };
