import { useState } from "react";

import type { Publication, Summary } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { compact, plural } from "../../ui/number";
import { Ago, useNow } from "../../ui/time";
import { Missing } from "./Missing";
import { PostDrawer } from "./PostDrawer";
import { reasonOf } from "./words";

const ROWS = [
  ["followers", "Followers"],
  ["reachLast30Days", "Reached"],
  ["avgViews", "Views a post"],
  ["avgEngagementRate", "Rate a post"],
] as const;

/** Each platform at a glance, over the last 30 days. */
export function ByPlatform({ platforms }: { platforms: Record<string, Summary> }) {
  const now = useNow(30_000);
  const [open, setOpen] = useState<Publication | null>(null);
  return (
    <>
      <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
        {Object.entries(platforms).map(([platform, summary]) => (
          <li key={platform} data-platform={platform.toUpperCase()} className="grid min-w-0 content-start gap-3 rounded-xl border border-line p-4">
            <h3 className="flex items-center gap-2 text-[0.875rem] font-medium">
              <PlatformIcon platform={platform} size="sm" decorative />
              {nameOf(platform.toUpperCase())}
              <span className="ml-auto text-[0.75rem] font-normal text-soft">{summary.posts === 0 ? "No posts" : plural(summary.posts, "post")}</span>
            </h3>
            <dl className="grid grid-cols-2 gap-x-4 gap-y-2">
              {ROWS.map(([name, label]) => {
                const value = summary[name];
                return (
                  <div key={name} className="min-w-0">
                    <dt className="text-[0.75rem] text-soft">{label}</dt>
                    <dd className="min-h-6 tabular-nums">
                      {value == null ? <Missing reason={reasonOf(summary.unavailable[name])} /> : <span className="font-semibold">{name === "avgEngagementRate" ? `${value.toFixed(2)}%` : compact(value)}</span>}
                    </dd>
                  </div>
                );
              })}
            </dl>
            {summary.topPost != null && <Top label="Top post" post={summary.topPost} onOpen={setOpen} />}
            {summary.topVideo != null && summary.topVideo.id !== summary.topPost?.id && <Top label="Top video" post={summary.topVideo} onOpen={setOpen} />}
            <p className="text-[0.75rem] text-soft">{summary.asOf == null ? "Not read yet" : <>As of <Ago at={summary.asOf} now={now} /></>}</p>
          </li>
        ))}
      </ul>
      {open !== null && <PostDrawer post={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function Top({ label, post, onOpen }: { label: string; post: Publication; onOpen: (post: Publication) => void }) {
  return (
    <button type="button" onClick={() => onOpen(post)} className="min-w-0 rounded text-left text-[0.8125rem] hover:underline">
      <span className="block text-[0.75rem] text-soft">{label}</span>
      <span className="line-clamp-2 break-words">{post.caption == null || post.caption === "" ? "Without text" : post.caption}</span>
    </button>
  );
}
