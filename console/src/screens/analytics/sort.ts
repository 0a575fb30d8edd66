import type { Publication } from "../../api/types";

export type Column = "postedAt" | "views" | "impressions" | "reach" | "likes" | "comments" | "shares" | "engagementRate";

export const COLUMNS: [Column, string][] = [
  ["postedAt", "Posted"],
  ["views", "Views"],
  ["impressions", "Impressions"],
  ["reach", "Reach"],
  ["likes", "Likes"],
  ["comments", "Comments"],
  ["shares", "Shares"],
  ["engagementRate", "Rate"],
];

export const valueOf = (post: Publication, column: Column): number | string | null => (column === "postedAt" ? post.postedAt : (post[column] ?? null));

/** What is not there stands last, whichever way it is sorted. */
export function sorted(posts: Publication[], column: Column, down: boolean): Publication[] {
  return [...posts].sort((a, b) => {
    const [x, y] = [valueOf(a, column), valueOf(b, column)];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    const order = x < y ? -1 : x > y ? 1 : 0;
    return down ? -order : order;
  });
}
