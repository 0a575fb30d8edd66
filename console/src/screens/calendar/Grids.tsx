import type { CalendarDate } from "@internationalized/date";

import type { Post } from "../../api/types";
import { standsAt } from "../../posts/states";
import { cx } from "../../ui/classes";
import { Cell } from "./Cell";
import { daysOf, isSameDay, localDay, today, weekdays } from "./dates";

interface Props {
  day: CalendarDate;
  posts: Post[];
  zone: string;
  onMove: (postId: string, day: CalendarDate, hour?: number) => void;
  onDay: (day: CalendarDate) => void;
}

const on = (posts: Post[], day: CalendarDate, zone: string) =>
  posts.filter((post) => isSameDay(localDay(standsAt(post), zone), day)).sort((a, b) => standsAt(a).localeCompare(standsAt(b)));

export function Month({ day, posts, zone, onMove, onDay }: Props) {
  const days = daysOf("month", day);
  return (
    <div className="card relative overflow-x-auto">
      <div className="min-w-[44rem]">
        <div aria-hidden className="grid grid-cols-7 border-b border-line text-[0.75rem] font-medium text-soft">
          {weekdays(zone).map((name) => (
            <span key={name} className="px-3 py-2">
              {name}
            </span>
          ))}
        </div>
        <div className="grid auto-rows-[minmax(7.5rem,auto)] grid-cols-7 [&>*]:border-line [&>*:not(:nth-child(7n))]:border-r [&>*:nth-child(n+8)]:border-t">
          {days.map((date) => (
            <Cell key={date.toString()} day={date} posts={on(posts, date, zone)} zone={zone} outside={date.month !== day.month} most={3} onDrop={(id) => onMove(id, date)} onMore={() => onDay(date)} />
          ))}
        </div>
      </div>
    </div>
  );
}

export function Week({ day, posts, zone, onMove, onDay }: Props) {
  const days = daysOf("week", day);
  return (
    <div className="card relative overflow-x-auto">
      <div className="grid min-w-[56rem] grid-cols-7 [&>*+*]:border-l [&>*]:border-line">
        {days.map((date, at) => (
          <div key={date.toString()} className="flex min-h-[28rem] min-w-0 flex-col">
            <button type="button" onClick={() => onDay(date)} className="border-b border-line px-3 py-2 text-left hover:bg-sunken focus-visible:outline-offset-[-2px]">
              <span className="sr-only">Open </span>
              <span className="block text-[0.75rem] text-soft">{weekdays(zone)[at]}</span>
              <span className={cx("text-lg font-semibold tabular-nums", isSameDay(date, today(zone)) && "text-accent")}>{date.day}</span>
            </button>
            <div className="grid flex-1">
              <Cell day={date} posts={on(posts, date, zone)} zone={zone} most={40} tall showDay={false} onDrop={(id) => onMove(id, date)} />
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

export function Day({ day, posts, zone, onMove }: Props) {
  const all = on(posts, day, zone);
  const hourOf = (post: Post) => Number(new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", hourCycle: "h23" }).format(new Date(standsAt(post))));
  return (
    <div className="card divide-y divide-line">
      {HOURS.map((hour) => (
        <div key={hour} className="grid grid-cols-[4rem_1fr]">
          <span aria-hidden className="px-3 py-2 text-[0.75rem] text-soft tabular-nums">
            {String(hour).padStart(2, "0")}:00
          </span>
          <div className="grid min-h-12 border-l border-line">
            <Cell day={day} hour={hour} posts={all.filter((post) => hourOf(post) === hour)} zone={zone} most={40} tall showDay={false} onDrop={(id) => onMove(id, day, hour)} />
          </div>
        </div>
      ))}
    </div>
  );
}
