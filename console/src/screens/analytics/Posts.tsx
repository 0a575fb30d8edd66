import { ArrowDown, ArrowUp } from "lucide-react";
import { useState } from "react";

import type { Publication } from "../../api/types";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { Button } from "../../ui/Button";
import { compact, exact } from "../../ui/number";
import { Missing, MissingLegend } from "./Missing";
import { PostDrawer } from "./PostDrawer";
import { type Column, COLUMNS, sorted, valueOf } from "./sort";
import { reasonOf } from "./words";

/** How many rows are drawn at first. */
const FIRST = 20;

interface Props {
  posts: Publication[];
  /** Reads older ones, where there are any. */
  more: (() => void) | null;
  busy: boolean;
}

/** Posts with their figures, by any of them. */
export function Posts({ posts, more, busy }: Props) {
  const [[column, down], setSort] = useState<[Column, boolean]>(["postedAt", true]);
  const [all, setAll] = useState(false);
  const [open, setOpen] = useState<Publication | null>(null);
  if (posts.length === 0) return <p className="px-5 pb-5 text-soft">No posts were read yet.</p>;
  const rows = sorted(posts, column, down);
  const drawn = rows.slice(0, all ? rows.length : FIRST);
  const missing = drawn.flatMap((post) => COLUMNS.flatMap(([name]) => (valueOf(post, name) === null ? [reasonOf(post.unavailable[name])] : [])));
  return (
    <>
      <div className="relative overflow-x-auto" tabIndex={0} role="region" aria-label="Table of posts">
        <table className="w-full min-w-[48rem] text-left text-[0.875rem]">
          <thead className="border-y border-line text-[0.75rem] text-soft">
            <tr>
              <th scope="col" className="px-5 py-2 font-medium">
                Post
              </th>
              {COLUMNS.map(([name, label]) => (
                <th key={name} scope="col" aria-sort={column === name ? (down ? "descending" : "ascending") : "none"} className="px-2 py-1 text-right font-medium last:pr-4">
                  <button type="button" className="inline-flex min-h-8 items-center gap-1 rounded px-1 hover:text-ink" onClick={() => setSort([name, column === name ? !down : true])}>
                    {column === name && (down ? <ArrowDown aria-hidden size={12} /> : <ArrowUp aria-hidden size={12} />)}
                    {label}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {drawn.map((post) => (
              <tr key={post.id} className="hover:bg-sunken">
                <td className="max-w-44 px-5 sm:max-w-72 py-1">
                  <button type="button" onClick={() => setOpen(post)} className="flex min-h-9 w-full items-center gap-3 rounded text-left">
                    <PlatformIcon platform={post.platform} size="sm" />
                    <span className="truncate font-medium">{post.caption == null || post.caption === "" ? "Without text" : post.caption}</span>
                  </button>
                </td>
                {COLUMNS.map(([name]) => (
                  <td key={name} className="px-3 py-1 text-right whitespace-nowrap tabular-nums last:pr-5">
                    <Cell post={post} column={name} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <MissingLegend reasons={missing} />
      {((rows.length > FIRST && !all) || more !== null) && (
        <div className="flex flex-wrap items-center gap-3 border-t border-line px-5 py-3">
          {rows.length > FIRST && !all && (
            <Button small onClick={() => setAll(true)}>
              Show all {exact(rows.length)}
            </Button>
          )}
          {more !== null && (
            <>
              <Button small busy={busy} onClick={more}>
                Read older ones
              </Button>
              <span className="text-[0.8125rem] text-soft">The newest {exact(rows.length)} are here, and sorted.</span>
            </>
          )}
        </div>
      )}
      {open !== null && <PostDrawer post={open} onClose={() => setOpen(null)} />}
    </>
  );
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "2-digit" });

function Cell({ post, column }: { post: Publication; column: Column }) {
  const value = valueOf(post, column);
  if (value === null) return <Missing bare reason={reasonOf(post.unavailable[column])} />;
  if (typeof value === "string") return DAY.format(new Date(value));
  return column === "engagementRate" ? `${value.toFixed(2)}%` : <span title={exact(value)}>{compact(value)}</span>;
}
