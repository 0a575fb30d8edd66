import type { CalendarDate } from "@internationalized/date";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useRef } from "react";
import { useDrop } from "react-aria";

import type { Post } from "../../api/types";
import { cx } from "../../ui/classes";
import { isSameDay, longDay, today } from "./dates";
import { CARRIED, PostChip } from "./PostChip";

interface Props {
  day: CalendarDate;
  hour?: number;
  posts: Post[];
  zone: string;
  /** Shown pale: a day of another month. */
  outside?: boolean;
  most: number;
  tall?: boolean;
  showDay?: boolean;
  onDrop: (postId: string) => void;
  onMore?: () => void;
}

const two = (n: number) => String(n).padStart(2, "0");

/** A day, or an hour of one: its posts, a place to drop others, and a way to write a new one. */
export function Cell({ day, hour, posts, zone, outside = false, most, tall = false, showDay = true, onDrop, onMore }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const name = hour === undefined ? longDay(day, zone) : `${longDay(day, zone)}, ${two(hour)}:00`;
  const { dropProps, isDropTarget } = useDrop({
    ref,
    getDropOperation: (types) => (types.has(CARRIED) ? "move" : "cancel"),
    onDrop: async ({ items }) => {
      for (const item of items) if (item.kind === "text" && item.types.has(CARRIED)) onDrop(await item.getText(CARRIED));
    },
  });
  const isToday = isSameDay(day, today(zone));
  const shown = posts.slice(0, posts.length > most ? most - 1 : most);
  return (
    <div
      ref={ref}
      {...dropProps}
      // Focused while something is carried with the keyboard.
      role="group"
      tabIndex={-1}
      aria-label={name}
      data-day={day.toString()}
      data-hour={hour}
      className={cx(
        "group/cell relative flex min-w-0 flex-col gap-1 p-1.5 transition-colors",
        outside && "bg-sunken/50",
        isDropTarget && "bg-accent-wash outline-2 outline-offset-[-2px] outline-accent",
      )}
    >
      {showDay && (
        <div className="flex h-6 items-center justify-between">
          <span className={cx("grid h-6 min-w-6 place-items-center rounded-full px-1 text-[0.75rem] tabular-nums", isToday ? "bg-accent font-semibold text-on-accent" : outside ? "text-soft" : "font-medium")}>
            <span aria-hidden>{day.day}</span>
            <span className="sr-only">{name}{isToday ? ", today" : ""}</span>
          </span>
        </div>
      )}
      <Link
        to="/compose"
        search={{ at: `${day.toString()}T${two(hour ?? 9)}:00` }}
        aria-label={`Write for ${name}`}
        className={cx(
          "absolute top-1.5 right-1.5 grid size-6 place-items-center rounded-md text-soft opacity-0 transition-opacity group-hover/cell:opacity-100 hover:bg-sunken hover:text-ink focus-visible:opacity-100",
        )}
      >
        <Plus aria-hidden size={14} />
      </Link>
      {shown.map((post) => (
        <PostChip key={post.id} post={post} zone={zone} tall={tall} />
      ))}
      {posts.length > shown.length && (
        <button type="button" onClick={onMore} className="rounded px-1.5 text-left text-[0.75rem] font-medium text-soft hover:text-ink">
          {posts.length - shown.length} more
          <span className="sr-only"> on {name}</span>
        </button>
      )}
    </div>
  );
}
