import { Link } from "@tanstack/react-router";
import { CalendarPlus } from "lucide-react";

import type { Post } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { badgeOf, standsAt } from "../../posts/states";
import { Badge } from "../../ui/Badge";
import { buttonClass } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { dateTime } from "../../ui/time";
import { titleOf } from "../post/PostPage";

/** Posts one under the other, the latest first. */
export function List({ posts, zone, filtered }: { posts: Post[]; zone: string; filtered: boolean }) {
  if (posts.length === 0) {
    return (
      <Empty
        art={<CalendarPlus aria-hidden size={32} strokeWidth={1.5} />}
        title={filtered ? "No post fits the filter" : "No posts yet"}
        action={
          <Link to="/compose" className={buttonClass("primary")}>
            Write a post
          </Link>
        }
      >
        {filtered ? "Choose less, or write one." : "What you write, schedule and publish stands here."}
      </Empty>
    );
  }
  const sorted = [...posts].sort((a, b) => standsAt(b).localeCompare(standsAt(a)));
  return (
    <ul className="card relative divide-y divide-line overflow-hidden">
      {sorted.map((post) => {
        const badge = badgeOf(post);
        return (
          <li key={post.id}>
            <Link to="/posts/$postId" params={{ postId: post.id }} className="flex min-h-16 flex-wrap items-center gap-x-4 gap-y-1 px-5 py-3 transition-colors hover:bg-sunken focus-visible:outline-offset-[-3px]">
              <span className="w-36 shrink-0 text-[0.8125rem] text-soft tabular-nums">{post.status === "draft" ? "Not scheduled" : dateTime(standsAt(post), zone)}</span>
              <span className="min-w-48 flex-1 truncate font-medium">{titleOf(post)}</span>
              <span className="flex items-center gap-1.5" {...(post.platforms.length > 0 ? { role: "img", "aria-label": post.platforms.map(nameOf).join(", ") } : {})}>
                {[...new Set(post.platforms)].map((platform) => (
                  <PlatformIcon key={platform} platform={platform} size="sm" decorative />
                ))}
              </span>
              <span className="flex sm:w-28 sm:justify-end">
                <Badge tone={badge.tone}>{badge.label}</Badge>
              </span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
