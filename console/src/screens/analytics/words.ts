import { compact } from "../../ui/number";

export const METRICS = ["followers", "views", "impressions", "reach", "engagementRate", "engagement", "likes", "comments", "shares", "saves"] as const;
export type Metric = (typeof METRICS)[number];

export const NAMES: Record<Metric, string> = {
  followers: "Followers",
  views: "Views",
  impressions: "Impressions",
  reach: "Reach",
  engagementRate: "Engagement rate",
  engagement: "Engagement",
  likes: "Likes",
  comments: "Comments",
  shares: "Shares",
  saves: "Saves",
};

/** Whether a figure is a level at the end of a step, or a rate of it; the others are what was added in it. */
export const isGain = (metric: Metric): boolean => metric !== "followers" && metric !== "engagementRate";

export type Reason = "pending" | "not_offered" | "not_measured" | "no_posts";

/** Why a figure is not there. None of these is zero. */
const WHY: Record<Reason, { short: string; long: string }> = {
  pending: { short: "Not yet", long: "The platform has not reported it yet." },
  not_offered: { short: "Not offered", long: "The platform does not offer this figure." },
  not_measured: { short: "Not measured", long: "Nobody looked in this time." },
  no_posts: { short: "No posts", long: "Nothing was posted in this time." },
};

/** A sum has a part that is missing, so there is none. */
const SUM: Partial<Record<Reason, { short: string; long: string }>> = {
  pending: { short: "Not yet", long: "One of these accounts has no figure yet, so there is no sum." },
  not_offered: { short: "No sum", long: "Not all of these platforms offer this figure. Look at each account." },
};

const isReason = (text: string): text is Reason => text in WHY;

export const reasonOf = (text: string | null | undefined): Reason => (text != null && isReason(text) ? text : "pending");

/** The reason in words; `many`: the figure would be a sum over several accounts. */
export const why = (reason: Reason, many = false): { short: string; long: string } => (many ? SUM[reason] : undefined) ?? WHY[reason];

/** A figure as it is read at a glance. */
export const shown = (metric: Metric, value: number): string => (metric === "engagementRate" ? `${value.toFixed(2)}%` : compact(value));
