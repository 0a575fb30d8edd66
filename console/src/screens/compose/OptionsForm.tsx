import { Plus, X } from "lucide-react";

import type { OptionFact } from "../../api/types";
import { Button, IconButton } from "../../ui/Button";
import { Field } from "../../ui/Field";

interface Props {
  facts: OptionFact[];
  values: Record<string, unknown>;
  onChange: (values: Record<string, unknown>) => void;
}

/** "privacyStatus" as people read it. */
export const labelOf = (name: string): string => {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const wordOf = (word: string): string => {
  const words = word.includes("_") || word === word.toUpperCase() ? word.replaceAll("_", " ").toLowerCase() : labelOf(word).toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** The options of a platform, from the table that checks them. What is left alone is not sent. */
export function OptionsForm({ facts, values, onChange }: Props) {
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = values;
    onChange(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <div className="grid gap-x-4 gap-y-4 sm:grid-cols-2">
      {facts.map((fact) => (
        <div key={fact.name} className={isWide(fact) ? "sm:col-span-2" : undefined}>
          <Option fact={fact} value={values[fact.name]} onChange={(value) => set(fact.name, value)} />
        </div>
      ))}
    </div>
  );
}

const isWide = (fact: OptionFact) => fact.type === "texts" || fact.type === "object" || (fact.type === "text" && (fact.maxLength ?? 0) > 120);

function Option({ fact, value, onChange }: { fact: OptionFact; value: unknown; onChange: (value: unknown) => void }) {
  const label = labelOf(fact.name);
  switch (fact.type) {
    case "flag":
      if (typeof fact.default === "boolean") {
        return (
          <label className="flex min-h-10 items-start gap-3 text-[0.875rem]">
            <input
              type="checkbox"
              className="mt-0.5 size-[18px] accent-accent"
              checked={typeof value === "boolean" ? value : fact.default}
              onChange={(event) => onChange(event.target.checked === fact.default ? undefined : event.target.checked)}
            />
            <span>
              <span className="font-medium">{label}</span>
              <span className="block text-[0.8125rem] text-soft">{fact.description}</span>
            </span>
          </label>
        );
      }
      return (
        <Field label={label} hint={fact.description}>
          {(ids) => (
            <select {...ids} className="control pick" value={typeof value === "boolean" ? String(value) : ""} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value === "true")}>
              <option value="">Not set</option>
              <option value="true">Yes</option>
              <option value="false">No</option>
            </select>
          )}
        </Field>
      );
    case "word":
      return (
        <Field label={label} hint={fact.description}>
          {(ids) => (
            <select {...ids} className="control pick" value={typeof value === "string" ? value : ""} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}>
              <option value="">{typeof fact.default === "string" ? `${wordOf(fact.default)} (usual)` : "Not set"}</option>
              {(fact.values ?? []).map((word) => (
                <option key={word} value={word}>
                  {wordOf(word)}
                </option>
              ))}
            </select>
          )}
        </Field>
      );
    case "texts":
      return <Texts fact={fact} label={label} value={value} onChange={onChange} />;
    case "object":
      return fact.name === "poll" ? <Poll value={value} onChange={onChange} /> : <Json label={label} fact={fact} value={value} onChange={onChange} />;
    default:
      return (
        <Field label={label} hint={fact.description}>
          {(ids) =>
            isWide(fact) ? (
              <textarea {...ids} rows={2} className="control" value={typeof value === "string" ? value : ""} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)} />
            ) : (
              <input {...ids} className="control" value={typeof value === "string" ? value : ""} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)} />
            )
          }
        </Field>
      );
  }
}

function Texts({ fact, label, value, onChange }: { fact: OptionFact; label: string; value: unknown; onChange: (value: unknown) => void }) {
  const texts = Array.isArray(value) ? (value as string[]) : [];
  const most = fact.maxItems ?? 50;
  const put = (next: string[]) => onChange(next.length === 0 ? undefined : next);
  const isLong = (fact.maxLength ?? 0) > 120 || fact.name === "altText";
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 text-[0.8125rem] font-medium">{label}</legend>
      {texts.map((text, at) => {
        const change = (next: string) => put(texts.map((old, n) => (n === at ? next : old)));
        const name = `${label} ${at + 1}`;
        return (
          // The place is the identity: texts have no other.
          <div key={at} className="flex items-start gap-1">
            {isLong ? (
              <textarea aria-label={name} rows={2} className="control" value={text} onChange={(event) => change(event.target.value)} />
            ) : (
              <input aria-label={name} className="control" value={text} onChange={(event) => change(event.target.value)} />
            )}
            <IconButton label={`Remove ${name}`} onClick={() => put(texts.filter((_, n) => n !== at))} className="mt-0.5">
              <X aria-hidden size={15} />
            </IconButton>
          </div>
        );
      })}
      {texts.length < most && (
        <div>
          <Button small icon={<Plus aria-hidden size={14} />} onClick={() => put([...texts, ""])}>
            Add {texts.length === 0 ? "one" : "another"}
            <span className="sr-only"> to {label}</span>
          </Button>
        </div>
      )}
      <p className="text-[0.8125rem] text-soft">{fact.description}</p>
    </fieldset>
  );
}

interface PollValue {
  options: string[];
  durationMinutes: number;
}

const DURATIONS: [number, string][] = [
  [60, "1 hour"],
  [360, "6 hours"],
  [1_440, "1 day"],
  [4_320, "3 days"],
  [10_080, "7 days"],
];

function Poll({ value, onChange }: { value: unknown; onChange: (value: unknown) => void }) {
  const poll = value as PollValue | undefined;
  if (poll === undefined) {
    return (
      <Button small icon={<Plus aria-hidden size={14} />} onClick={() => onChange({ options: ["", ""], durationMinutes: 1_440 } satisfies PollValue)}>
        Add a poll
      </Button>
    );
  }
  const put = (part: Partial<PollValue>) => onChange({ ...poll, ...part });
  return (
    <fieldset className="grid gap-2 rounded-xl border border-line p-4">
      <legend className="px-1 text-[0.8125rem] font-medium">Poll</legend>
      {poll.options.map((option, at) => (
        <div key={at} className="flex gap-1">
          <input aria-label={`Choice ${at + 1}`} placeholder={`Choice ${at + 1}`} maxLength={25} className="control" value={option} onChange={(event) => put({ options: poll.options.map((old, n) => (n === at ? event.target.value : old)) })} />
          {poll.options.length > 2 && (
            <IconButton label={`Remove choice ${at + 1}`} onClick={() => put({ options: poll.options.filter((_, n) => n !== at) })}>
              <X aria-hidden size={15} />
            </IconButton>
          )}
        </div>
      ))}
      <div className="flex flex-wrap items-center gap-2">
        {poll.options.length < 4 && (
          <Button small onClick={() => put({ options: [...poll.options, ""] })}>
            Add a choice
          </Button>
        )}
        <label className="flex items-center gap-2 text-[0.8125rem]">
          Open for
          <select className="control pick !w-auto !min-h-9" value={poll.durationMinutes} onChange={(event) => put({ durationMinutes: Number(event.target.value) })}>
            {DURATIONS.map(([minutes, label]) => (
              <option key={minutes} value={minutes}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <Button small look="quiet" className="ml-auto" onClick={() => onChange(undefined)}>
          Remove the poll
        </Button>
      </div>
    </fieldset>
  );
}

/** An option of a form that this console does not know yet: written as the API takes it. */
function Json({ label, fact, value, onChange }: { label: string; fact: OptionFact; value: unknown; onChange: (value: unknown) => void }) {
  return (
    <Field label={`${label} (JSON)`} hint={fact.description}>
      {(ids) => (
        <textarea
          {...ids}
          rows={3}
          className="control font-mono text-[0.8125rem]"
          defaultValue={value === undefined ? "" : JSON.stringify(value, null, 2)}
          onChange={(event) => {
            try {
              onChange(event.target.value.trim() === "" ? undefined : JSON.parse(event.target.value));
            } catch {
              // What is half written is no value yet; the last whole one stands.
            }
          }}
        />
      )}
    </Field>
  );
}
