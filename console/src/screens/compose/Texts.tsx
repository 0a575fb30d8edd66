import { CircleAlert } from "lucide-react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";

import type { Capability, Validation } from "../../api/types";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { Button } from "../../ui/Button";
import { cx } from "../../ui/classes";
import { Field } from "../../ui/Field";
import type { Draft } from "./draft";
import { Media } from "./Media";
import { OptionsForm } from "./OptionsForm";

interface Props {
  draft: Draft;
  /** The platforms that it goes to. */
  platforms: Capability[];
  validation: Validation | undefined;
  /** Whether the counts are of what is written now. */
  fresh: boolean;
  onChange: (part: Partial<Draft>) => void;
}

const TAB =
  "flex min-h-10 cursor-pointer items-center gap-2 rounded-t-lg border-b-2 border-transparent px-3 text-[0.875rem] text-soft outline-none hover:text-ink data-selected:border-accent data-selected:font-medium data-selected:text-ink data-focus-visible:outline-2 data-focus-visible:outline-offset-[-2px] data-focus-visible:outline-accent";

/** One text for all, and for each platform the chance to say it otherwise. */
export function Texts({ draft, platforms, validation, fresh, onChange }: Props) {
  return (
    <Tabs className="grid gap-4">
      <TabList aria-label="Text for" className="flex flex-wrap gap-1 border-b border-line">
        <Tab id="all" className={TAB}>
          All accounts
        </Tab>
        {platforms.map(({ platform, name }) => {
          const errors = validation?.platforms[platform]?.problems.filter((problem) => problem.severity === "error").length ?? 0;
          return (
            <Tab key={platform} id={platform} className={TAB}>
              <PlatformIcon platform={platform} size="sm" decorative />
              {name}
              {(draft.overrides[platform] ?? draft.overrideMedia[platform]) !== undefined && <span className="size-1.5 rounded-full bg-accent" role="img" aria-label="differs" />}
              {errors > 0 && <CircleAlert size={14} className="text-bad" role="img" aria-label={`${errors} to mend`} />}
            </Tab>
          );
        })}
      </TabList>
      <TabPanel id="all" className="grid gap-2 outline-none">
        <Field label="Text" aside={<Counts platforms={platforms} validation={validation} fresh={fresh} />}>
          {(ids) => (
            <textarea
              {...ids}
              rows={7}
              className="control field-sizing-content max-h-[60vh] min-h-40 !py-3 leading-relaxed"
              placeholder="What do you want to say?"
              value={draft.content}
              onChange={(event) => onChange({ content: event.target.value })}
            />
          )}
        </Field>
      </TabPanel>
      {platforms.map((capability) => {
        const { platform, name } = capability;
        const own = draft.overrides[platform];
        const set = (text: string | undefined) => {
          const { [platform]: _, ...rest } = draft.overrides;
          onChange({ overrides: text === undefined ? rest : { ...rest, [platform]: text } });
        };
        return (
          <TabPanel key={platform} id={platform} className="grid gap-5 outline-none">
            <Field
              label={`Text on ${name}`}
              hint={own === undefined ? "The shared text. What you write here stands on this platform alone." : "This platform has a text of its own."}
              aside={<Counts platforms={[capability]} validation={validation} fresh={fresh} />}
            >
              {(ids) => (
                <textarea
                  {...ids}
                  rows={6}
                  className={cx("control field-sizing-content max-h-[60vh] min-h-32 !py-3 leading-relaxed", own === undefined && "text-soft")}
                  value={own ?? draft.content}
                  onChange={(event) => set(event.target.value)}
                />
              )}
            </Field>
            {own !== undefined && (
              <div className="-mt-2">
                <Button small onClick={() => set(undefined)}>
                  Use the shared text
                </Button>
              </div>
            )}
            <OwnFiles
              name={name}
              urls={draft.overrideMedia[platform]}
              shared={draft.mediaUrls}
              onChange={(urls) => {
                const { [platform]: _, ...rest } = draft.overrideMedia;
                onChange({ overrideMedia: urls === undefined ? rest : { ...rest, [platform]: urls } });
              }}
            />
            {capability.publish != null && capability.publish.options.length > 0 && (
              <details className="group" open>
                <summary className="mb-3 text-[0.875rem] font-semibold">Options on {name}</summary>
                <OptionsForm
                  facts={capability.publish.options}
                  values={draft.options[platform] ?? {}}
                  onChange={(values) => onChange({ options: { ...draft.options, [platform]: values } })}
                />
              </details>
            )}
          </TabPanel>
        );
      })}
    </Tabs>
  );
}

/** Other files for one platform, in place of the shared ones. */
function OwnFiles({ name, urls, shared, onChange }: { name: string; urls: string[] | undefined; shared: string[]; onChange: (urls: string[] | undefined) => void }) {
  if (urls === undefined) {
    return (
      <div>
        <Button small onClick={() => onChange(shared)}>
          Other pictures on {name}
        </Button>
      </div>
    );
  }
  return (
    <section aria-label={`Pictures and videos on ${name}`} className="grid gap-3 rounded-xl border border-line p-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h3 className="text-[0.875rem] font-semibold">Pictures and videos on {name}</h3>
        <Button small look="quiet" onClick={() => onChange(undefined)}>
          Use the shared ones
        </Button>
      </div>
      <Media urls={urls} onChange={onChange} />
    </section>
  );
}

/** How long the text is on each platform, by the platform's own way of counting. */
function Counts({ platforms, validation, fresh }: { platforms: Capability[]; validation: Validation | undefined; fresh: boolean }) {
  return (
    <span aria-busy={!fresh} className="flex flex-wrap justify-end gap-x-3 gap-y-1">
      {platforms.map(({ platform, name, publish }) => {
        const counted = validation?.platforms[platform];
        const most = counted?.maxLength ?? publish?.text.max ?? 0;
        const length = counted?.length ?? 0;
        const over = length > most;
        return (
          <span
            key={platform}
            data-count={platform}
            title={`${name} counts ${length} of ${most}`}
            className={cx("inline-flex items-center gap-1.5 text-[0.75rem] tabular-nums", over ? "font-semibold text-bad" : length > most * 0.9 ? "text-warn" : "text-soft")}
          >
            <PlatformIcon platform={platform} size="sm" decorative />
            <span>
              <span className="sr-only">{name}: </span>
              {length}/{most}
            </span>
          </span>
        );
      })}
    </span>
  );
}
