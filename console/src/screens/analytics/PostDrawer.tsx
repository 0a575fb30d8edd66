import { ExternalLink } from "lucide-react";
import { useState } from "react";

import type { Publication } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { buttonClass } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { exact } from "../../ui/number";
import { Ago, dateTime, useNow, userZone, zoneName } from "../../ui/time";
import { Missing } from "./Missing";
import { reasonOf } from "./words";

const FIGURES = [
  ["views", "Views"],
  ["impressions", "Impressions"],
  ["reach", "Reach"],
  ["engagement", "Engagement"],
  ["likes", "Likes"],
  ["comments", "Comments"],
  ["shares", "Shares"],
  ["saves", "Saves"],
] as const;

/** A post with all that is known of it. */
export function PostDrawer({ post, onClose }: { post: Publication; onClose: () => void }) {
  const now = useNow();
  return (
    <Dialog side title={`Post on ${nameOf(post.platform)}`} onClose={onClose}>
      <p className="text-[0.8125rem] text-soft">
        {dateTime(post.postedAt)}, {zoneName(userZone(), new Date(post.postedAt))} · {(post.postType ?? post.mediaType).toLowerCase()}
      </p>
      <Still address={post.thumbnailUrl ?? (post.mediaType === "IMAGE" ? (post.mediaUrl ?? null) : null)} />
      <p className="mt-4 max-h-60 overflow-y-auto break-words whitespace-pre-wrap" tabIndex={0}>
        {post.caption == null || post.caption === "" ? "Without text" : post.caption}
      </p>
      <dl className="mt-5 grid grid-cols-2 gap-x-4 gap-y-4 border-t border-line pt-5">
        {FIGURES.map(([name, label]) => {
          const value = post[name];
          return (
            <div key={name}>
              <dt className="text-[0.75rem] text-soft">{label}</dt>
              <dd className="min-h-7 tabular-nums">{value == null ? <Missing reason={reasonOf(post.unavailable[name])} /> : <span className="text-lg font-semibold">{exact(value)}</span>}</dd>
            </div>
          );
        })}
        <div className="col-span-2">
          <dt className="text-[0.75rem] text-soft">Engagement rate</dt>
          <dd className="min-h-7 tabular-nums">
            {post.engagementRate == null ? (
              <Missing reason={reasonOf(post.unavailable["engagementRate"])} />
            ) : (
              <>
                <span className="text-lg font-semibold">{post.engagementRate.toFixed(2)}%</span> {post.rateBase != null && <span className="text-[0.8125rem] text-soft">of {post.rateBase}</span>}
              </>
            )}
          </dd>
        </div>
      </dl>
      <div className="mt-6 flex flex-wrap items-center justify-between gap-3">
        <span className="text-[0.8125rem] text-soft">
          As of <Ago at={post.lastSyncedAt} now={now} />
        </span>
        {post.url != null && (
          <a href={post.url} target="_blank" rel="noreferrer" className={buttonClass("plain", "small")}>
            <ExternalLink aria-hidden size={15} /> Open on {nameOf(post.platform)}
          </a>
        )}
      </div>
    </Dialog>
  );
}

/** A still of the post. Platforms sign these addresses for a while; one that no longer leads anywhere is left out. */
function Still({ address }: { address: string | null }) {
  const [isBroken, setBroken] = useState(false);
  if (address === null || isBroken) return null;
  return <img src={address} alt="" referrerPolicy="no-referrer" onError={() => setBroken(true)} className="mt-4 max-h-56 rounded-xl bg-sunken object-contain" />;
}
