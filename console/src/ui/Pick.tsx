interface Props {
  label: string;
  value: string | undefined;
  /** Values and what they are called; a group of them under its name. */
  choices: ([string, string] | { group: string; choices: [string, string][] })[];
  /** What no choice is called, where there may be none. */
  all?: string;
  onPick: (value: string | undefined) => void;
}

const option = ([value, name]: [string, string]) => (
  <option key={value} value={value}>
    {name}
  </option>
);

/** A small list to choose from, in a row of filters. */
export function Pick({ label, value, choices, all, onPick }: Props) {
  return (
    <select
      aria-label={label}
      className="control pick !min-h-9 !w-auto max-w-52 !py-1 text-[0.8125rem]"
      value={value ?? ""}
      onChange={(event) => onPick(event.target.value === "" ? undefined : event.target.value)}
    >
      {all !== undefined && <option value="">{all}</option>}
      {choices.map((choice) =>
        Array.isArray(choice) ? (
          option(choice)
        ) : (
          <optgroup key={choice.group} label={choice.group}>
            {choice.choices.map(option)}
          </optgroup>
        ),
      )}
    </select>
  );
}
