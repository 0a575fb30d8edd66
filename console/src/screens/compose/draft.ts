import type { Post, PostBody } from "../../api/types";

/** What is being written. It is kept in this browser with every change, so that nothing typed is ever lost. */
export interface Draft {
  talentId: string;
  connectionIds: string[];
  content: string;
  /** Another text per platform. */
  overrides: Record<string, string>;
  /** Other files per platform. */
  overrideMedia: Record<string, string[]>;
  options: Record<string, Record<string, unknown>>;
  mediaUrls: string[];
  hashtags: string[];
  campaign: string;
  /** A wall-clock time in `zone`, such as 2026-11-05T09:00; empty: not decided. */
  at: string;
  zone: string;
  lateAfterMinutes: number;
  /** The version of the post that is edited. */
  etag?: string;
}

export const emptyDraft = (talentId: string, zone: string): Draft => ({
  talentId,
  connectionIds: [],
  content: "",
  overrides: {},
  overrideMedia: {},
  options: {},
  mediaUrls: [],
  hashtags: [],
  campaign: "",
  at: "",
  zone,
  lateAfterMinutes: 60,
});

/** An instant as a wall-clock time in a zone. */
export function wallClock(instant: string, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(new Date(instant));
  const part = (type: string) => parts.find((known) => known.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}`;
}

const options = (post: Post) => post.options as Record<string, Record<string, unknown>>;

/** A post as it can be written on; `again`: as the beginning of another one. */
export function draftOf(post: Post, zone: string, again = false): Draft {
  const own = post.timezone ?? zone;
  const overrides = Object.entries(post.overrides).flatMap(([platform, value]) =>
    value.content == null ? [] : [[platform, value.content] as const],
  );
  const media = Object.entries(post.overrides).flatMap(([platform, value]) =>
    value.mediaUrls == null ? [] : [[platform, value.mediaUrls] as const],
  );
  return {
    talentId: post.talentId,
    connectionIds: post.connectionIds,
    content: post.content,
    overrides: Object.fromEntries(overrides),
    overrideMedia: Object.fromEntries(media),
    options: options(post),
    mediaUrls: post.mediaUrls,
    hashtags: post.hashtags,
    campaign: post.campaign ?? "",
    at: again || post.scheduledAt == null ? "" : wallClock(post.scheduledAt, own),
    zone: own,
    lateAfterMinutes: post.lateAfterMinutes,
  };
}

/** The draft as the API takes it. Texts and options of platforms that it does not go to stay here. */
export function bodyOf(draft: Draft, platforms: ReadonlySet<string>, timed: boolean): PostBody {
  const chosen = <T>(values: Record<string, T>) => Object.entries(values).filter(([platform]) => platforms.has(platform));
  const filled = chosen(draft.options).filter(([, own]) => Object.keys(own).length > 0);
  const own = new Set([...chosen(draft.overrides), ...chosen(draft.overrideMedia)].map(([platform]) => platform));
  const override = (platform: string) => {
    const [content, mediaUrls] = [draft.overrides[platform], draft.overrideMedia[platform]];
    return { ...(content === undefined ? {} : { content }), ...(mediaUrls === undefined ? {} : { mediaUrls }) };
  };
  return {
    talentId: draft.talentId,
    connectionIds: draft.connectionIds,
    content: draft.content,
    mediaUrls: draft.mediaUrls,
    hashtags: draft.hashtags,
    campaign: draft.campaign.trim() === "" ? null : draft.campaign.trim(),
    overrides: Object.fromEntries([...own].map((platform) => [platform, override(platform)])),
    options: Object.fromEntries(filled) as NonNullable<PostBody["options"]>,
    lateAfterMinutes: draft.lateAfterMinutes,
    ...(timed && draft.at !== "" ? { scheduledAt: `${draft.at}:00`, timezone: draft.zone } : {}),
  };
}

/** Whether there is anything in it that someone would miss. */
export const isWritten = (draft: Draft): boolean =>
  draft.content !== "" || draft.mediaUrls.length > 0 || Object.values(draft.overrideMedia).some((urls) => urls.length > 0) || Object.values(draft.overrides).some((text) => text !== "") || Object.keys(draft.options).length > 0;
