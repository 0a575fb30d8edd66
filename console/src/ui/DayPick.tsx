interface Props {
  label: string;
  /** Such as 2026-11-05. */
  value: string | undefined;
  onPick: (day: string | undefined) => void;
}

/** A day to choose, in a row of filters. */
export function DayPick({ label, value, onPick }: Props) {
  return (
    <label className="flex items-center gap-2 text-[0.8125rem] text-soft">
      {label}
      <input type="date" className="control !min-h-9 !w-auto !py-1 text-[0.8125rem]" value={value ?? ""} onChange={(event) => onPick(event.target.value === "" ? undefined : event.target.value)} />
    </label>
  );
}
