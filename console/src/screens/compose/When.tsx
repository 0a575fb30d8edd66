import { type CalendarDateTime, parseDateTime } from "@internationalized/date";
import { CalendarDays, ChevronLeft, ChevronRight } from "lucide-react";
import {
  Button,
  Calendar,
  CalendarCell,
  CalendarGrid,
  CalendarGridBody,
  CalendarGridHeader,
  CalendarHeaderCell,
  DateInput,
  DatePicker,
  DateSegment,
  Dialog,
  Group,
  Heading,
  I18nProvider,
  Label,
  Popover,
} from "react-aria-components";

import { Field } from "../../ui/Field";
import { dateTime, userZone, zoneName } from "../../ui/time";
import { instantOf } from "./instant";

interface Props {
  at: string;
  zone: string;
  problem: string | null;
  onChange: (part: { at?: string; zone?: string }) => void;
}

const ZONES = Intl.supportedValuesOf("timeZone");

function parse(at: string): CalendarDateTime | null {
  try {
    return at === "" ? null : parseDateTime(at);
  } catch {
    return null;
  }
}

/** When it goes out, as a wall-clock time, with its zone beside it. */
export function When({ at, zone, problem, onChange }: Props) {
  const mine = userZone();
  const instant = instantOf(at, zone);
  const zones = [...new Set([mine, zone, "UTC", ...ZONES])];
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <I18nProvider locale="en-GB">
        <DatePicker
          granularity="minute"
          hourCycle={24}
          hideTimeZone
          value={parse(at)}
          onChange={(value) => onChange({ at: value === null ? "" : value.toString().slice(0, 16) })}
          className="grid content-start gap-1.5"
        >
          <Label className="text-[0.8125rem] font-medium">Date and time</Label>
          <Group className="control flex items-center gap-1 !py-0 !pr-1 focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-accent">
            <DateInput className="flex flex-1 flex-wrap items-center tabular-nums">
              {(segment) => (
                <DateSegment
                  segment={segment}
                  className="rounded px-px outline-none data-focused:bg-accent data-focused:text-on-accent data-placeholder:text-soft data-[focused]:data-[placeholder]:text-on-accent"
                />
              )}
            </DateInput>
            <Button className="grid size-9 place-items-center rounded-md text-soft hover:bg-sunken hover:text-ink">
              <CalendarDays aria-hidden size={17} />
            </Button>
          </Group>
          <Popover className="rounded-2xl border border-line bg-surface p-4 text-ink shadow-float">
            <Dialog className="outline-none">
              <Calendar>
                <header className="mb-2 flex items-center justify-between">
                  <Button slot="previous" className="grid size-9 place-items-center rounded-md hover:bg-sunken">
                    <ChevronLeft aria-hidden size={18} />
                  </Button>
                  <Heading className="text-[0.875rem] font-semibold" />
                  <Button slot="next" className="grid size-9 place-items-center rounded-md hover:bg-sunken">
                    <ChevronRight aria-hidden size={18} />
                  </Button>
                </header>
                <CalendarGrid>
                  <CalendarGridHeader>{(day) => <CalendarHeaderCell className="pb-1 text-[0.75rem] font-normal text-soft">{day}</CalendarHeaderCell>}</CalendarGridHeader>
                  <CalendarGridBody>
                    {(date) => (
                      <CalendarCell
                        date={date}
                        className="grid size-9 cursor-pointer place-items-center rounded-full text-[0.875rem] tabular-nums outline-none hover:bg-sunken data-focus-visible:outline-2 data-focus-visible:outline-accent data-outside-month:text-soft data-outside-month:opacity-60 data-selected:bg-accent data-selected:text-on-accent"
                      />
                    )}
                  </CalendarGridBody>
                </CalendarGrid>
              </Calendar>
            </Dialog>
          </Popover>
        </DatePicker>
      </I18nProvider>
      <Field label="Time zone" problem={problem}>
        {(ids) => (
          <select {...ids} className="control pick" value={zone} onChange={(event) => onChange({ zone: event.target.value })}>
            {zones.map((name) => (
              <option key={name} value={name}>
                {name.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        )}
      </Field>
      <p className="text-[0.8125rem] text-soft sm:col-span-2" role="status">
        {instant === null ? (
          <>Without a time it stays a draft. Times are in {zoneName(zone)}.</>
        ) : (
          <>
            Goes out <strong className="font-semibold text-ink">{dateTime(instant, zone)}</strong> in {zoneName(zone, instant)}
            {zone !== mine && <>, for you {dateTime(instant, mine)} in {zoneName(mine, instant)}</>}.
          </>
        )}
      </p>
    </div>
  );
}
