import { Link } from "@tanstack/react-router";
import { CircleHelp, Clock, GripVertical, TriangleAlert } from "lucide-react";
import { useRef } from "react";
import { useDrag } from "react-aria";
import { Button } from "react-aria-components";

import type { Post } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { badgeOf, canMove, standsAt } from "../../posts/states";
import { cx } from "../../ui/classes";
import { clock } from "../../ui/time";
import { titleOf } from "../post/PostPage";

/** What is carried while a post is dragged. */
export const CARRIED = "application/x-herald-post";

const BARS: Record<string, string> = { good: "bg-good", bad: "bg-bad", warn: "bg-warn", info: "bg-info", neutral: "bg-edge" };

/** A post in a calendar: its time, its first words, where it goes and how it is. Dragged, it gets another day. */
export function PostChip({ post, zone, tall = false }: { post: Post; zone: string; tall?: boolean }) {
  const badge = badgeOf(post);
  const movable = canMove(post);
  const ref = useRef<HTMLDivElement>(null);
  const { dragProps, dragButtonProps, isDragging } = useDrag({
    hasDragButton: true,
    isDisabled: !movable,
    getItems: () => [{ [CARRIED]: post.id, "text/plain": titleOf(post) }],
    getAllowedDropOperations: () => ["move"],
  });
  const isDraft = post.status === "draft";
  const at = standsAt(post);
  const where = [...new Set(post.platforms)];
  const asks = badge.label === "Unconfirmed" || badge.label === "Missed";
  const Mark = badge.label === "Unconfirmed" ? CircleHelp : badge.label === "Missed" ? Clock : TriangleAlert;
  return (
    <div
      ref={ref}
      {...dragProps}
      data-post={post.id}
      className={cx(
        "group relative overflow-hidden rounded-lg border bg-surface text-[0.75rem] leading-[1.15rem] transition-shadow",
        isDraft ? "border-dashed border-edge" : "border-line",
        movable ? "cursor-grab hover:shadow-card active:cursor-grabbing" : "cursor-default",
        isDragging && "opacity-50",
      )}
    >
      <span aria-hidden className={cx("absolute inset-y-0 left-0 w-[3px]", BARS[badge.tone])} />
      <Link
        to="/posts/$postId"
        params={{ postId: post.id }}
        draggable={false}
        className="block py-1 pr-1.5 pl-2.5 focus-visible:outline-offset-[-2px]"
      >
        <span className="flex items-center gap-1.5">
          <span className="font-semibold tabular-nums">{clock(at, zone)}</span>
          <span className="flex min-w-0 items-center gap-1 overflow-hidden">
            {where.slice(0, tall ? 8 : 3).map((platform) => (
              <span key={platform} className="shrink-0 [&>svg]:size-3">
                <PlatformIcon platform={platform} size="sm" decorative />
              </span>
            ))}
            {where.length > 3 && !tall && <span className="text-soft">+{where.length - 3}</span>}
          </span>
          {(asks || badge.tone === "bad" || badge.tone === "warn") && (
            <Mark aria-hidden size={13} className={cx("ml-auto shrink-0", badge.tone === "bad" ? "text-bad" : "text-warn")} />
          )}
        </span>
        <span className="sr-only">{where.map(nameOf).join(", ")}. </span>
        <span className={cx("block", tall ? "line-clamp-2" : "truncate", isDraft && "text-soft")}>{titleOf(post)}</span>
        {!(tall || asks || badge.tone === "bad") && <span className="sr-only">. {badge.label}</span>}
        {(tall || asks || badge.tone === "bad") && (
          <span className={cx("block text-[0.6875rem] font-medium", badge.tone === "bad" ? "text-bad" : badge.tone === "warn" ? "text-warn" : badge.tone === "good" ? "text-good" : "text-soft")}>
            {badge.label}
            {badge.label === "Unconfirmed" && " · decide"}
            {badge.label === "Missed" && " · retry"}
          </span>
        )}
      </Link>
      {movable && (
        // The keyboard's way: Enter takes it up, Tab goes from day to day, Enter puts it down.
        <Button
          {...dragButtonProps}
          aria-label={`Move ${titleOf(post)}`}
          className="absolute right-0.5 bottom-0.5 grid size-6 place-items-center rounded bg-surface text-soft opacity-0 data-focus-visible:opacity-100"
        >
          <GripVertical aria-hidden size={13} />
        </Button>
      )}
    </div>
  );
}
