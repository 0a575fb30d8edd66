import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { CalendarClock, Save, Send } from "lucide-react";
import { useRef, useState } from "react";

import { idempotencyKey } from "../../api/client";
import { ApiError, sentence } from "../../api/errors";
import type { Talent } from "../../api/types";
import { PageHead } from "../../app/Page";
import { useCapabilities, useConnections, useHerald } from "../../connections/api";
import { changePost, createPost, publishPost, type Versioned } from "../../posts/api";
import { Button, buttonClass } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { plural } from "../../ui/number";
import { userZone } from "../../ui/time";
import { useToast } from "../../ui/Toasts";
import { AccountChips, blocked } from "./Accounts";
import { bodyOf, type Draft, isWritten } from "./draft";
import { Findings } from "./Findings";
import { Media } from "./Media";
import { Preview } from "./Preview";
import { Texts } from "./Texts";
import { useDraft } from "./useDraft";
import { useValidation } from "./useValidation";
import { When } from "./When";

type Deed = "draft" | "schedule" | "now";

interface Props {
  /** Where the draft is kept in this browser. */
  keep: string;
  postId: string | undefined;
  etag: string | undefined;
  begin: () => Draft;
  /** What the address asks for, over what was kept. */
  over?: Partial<Draft>;
  talents: Talent[];
}

const LATE: [number, string][] = [
  [15, "15 minutes"],
  [60, "1 hour"],
  [360, "6 hours"],
  [1_440, "1 day"],
  [10_080, "1 week"],
];

export function Editor({ keep, postId, etag, begin, over = {}, talents }: Props) {
  const herald = useHerald();
  const toast = useToast();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { draft: kept, restored, change, forget, restart } = useDraft(keep, begin);
  const [asked, setAsked] = useState(over);
  const draft = { ...kept, ...asked };
  const put = (part: Partial<Draft>) => {
    change({ ...asked, ...part });
    setAsked({});
  };
  const isStaff = herald.role === "admin";
  const connections = useConnections(draft.talentId);
  const capabilities = useCapabilities();
  const facts = capabilities.data ?? [];
  const list = draft.talentId === "" ? [] : (connections.data ?? []);
  const usable = list.filter((connection) => blocked(connection, facts.find((known) => known.platform === connection.platform)) === null);
  const chosen = usable.filter((connection) => draft.connectionIds.includes(connection.id));
  const platforms = facts.filter((known) => chosen.some((connection) => connection.platform === known.platform));
  const names = new Set(platforms.map(({ platform }) => platform));
  const body = bodyOf({ ...draft, connectionIds: chosen.map(({ id }) => id) }, names, true);
  const nothingChosen = chosen.length === 0;
  const validation = useValidation(body, postId, !nothingChosen);
  const errors = validation.data?.problems.filter((problem) => problem.severity === "error") ?? [];
  const own = (field: string) => validation.data?.problems.find((problem) => problem.field === field && problem.severity === "error")?.message ?? null;
  const [sure, setSure] = useState(false);
  const findings = useRef<HTMLDivElement>(null);

  // One key for one text and one deed: a second click, or a try after a broken line, makes no second post.
  const key = useRef({ of: "", key: "" });
  const keyFor = (deed: Deed) => {
    const of = `${deed}${JSON.stringify(body)}`;
    if (key.current.of !== of) key.current = { of, key: idempotencyKey() };
    return key.current.key;
  };
  const save = useMutation({
    mutationFn: async (deed: Deed): Promise<Versioned> => {
      const sent = bodyOf({ ...draft, connectionIds: chosen.map(({ id }) => id) }, names, deed === "schedule");
      if (postId === undefined) {
        return deed === "now" ? publishPost(herald, sent, keyFor(deed)) : createPost(herald, sent, keyFor(deed));
      }
      const changed = await changePost(herald, postId, draft.etag ?? etag ?? "", sent);
      return deed === "now" ? publishPost(herald, { postId }, keyFor(deed)) : changed;
    },
    onSuccess: ({ post, etag: version }, deed) => {
      forget();
      client.setQueryData(["post", post.id], { post, etag: version });
      void client.invalidateQueries({ queryKey: ["posts"] });
      const text = deed === "draft" ? "Saved as a draft." : deed === "schedule" ? "Scheduled." : "On its way.";
      toast({ tone: "good", text });
      void navigate({ to: "/posts/$postId", params: { postId: post.id } });
    },
    onError: (error) => {
      if (error instanceof ApiError && error.problems.length > 0) void validation.refetch();
    },
  });

  const go = (deed: Deed) => {
    if (deed !== "draft" && (nothingChosen || errors.length > 0)) {
      findings.current?.scrollIntoView({ behavior: "smooth", block: "center" });
      const what = nothingChosen ? "Choose an account first." : `${plural(errors.length, "thing")} to mend before it can go out.`;
      toast({ tone: "bad", text: what });
      return;
    }
    if (deed === "now") setSure(true);
    else save.mutate(deed);
  };
  const stale = save.error instanceof ApiError && (save.error.status === 412 || save.error.status === 409);
  const canSave = draft.talentId !== "" && isWritten(draft);
  const saving = save.isPending ? save.variables : null;
  return (
    <>
      <PageHead title={postId === undefined ? "Write a post" : "Edit the post"} />
      <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="grid min-w-0 gap-5">
          {restored && isWritten(kept) && (
            <Notice
              tone="info"
              action={
                <Button small onClick={() => restart(begin())}>
                  Start afresh
                </Button>
              }
            >
              This is what you wrote before. It was kept in this browser.
            </Notice>
          )}
          <section className="card grid gap-4 p-5" aria-label="Where">
            {isStaff && (
              <Field label="Talent">
                {(ids) => (
                  <select {...ids} className="control pick" value={draft.talentId} disabled={postId !== undefined} onChange={(event) => put({ talentId: event.target.value, connectionIds: [] })}>
                    <option value="">Choose whom you write for</option>
                    {talents.map((talent) => (
                      <option key={talent.id} value={talent.id}>
                        {talent.name}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
            )}
            {draft.talentId !== "" && (
              <div className="grid gap-2">
                <div className="flex items-baseline justify-between gap-3">
                  <h2 className="text-[0.8125rem] font-medium">Accounts</h2>
                  {usable.length > 1 && (
                    <button
                      type="button"
                      className="min-h-6 text-[0.8125rem] font-medium text-accent hover:underline"
                      onClick={() => put({ connectionIds: chosen.length === usable.length ? [] : usable.map(({ id }) => id) })}
                    >
                      {chosen.length === usable.length ? "None" : "All"}
                    </button>
                  )}
                </div>
                {connections.data === undefined ? (
                  <span className="skeleton h-11 w-72" role="status" aria-label="Loading accounts" />
                ) : list.length === 0 ? (
                  <p className="text-[0.875rem] text-soft">
                    No accounts yet.{" "}
                    <Link className="font-medium text-accent underline" {...(isStaff ? { to: "/talents/$talentId", params: { talentId: draft.talentId } } : { to: "/accounts" })}>
                      Connect one
                    </Link>
                    .
                  </p>
                ) : (
                  <AccountChips connections={list} capabilities={facts} chosen={draft.connectionIds} onChange={(connectionIds) => put({ connectionIds })} />
                )}
              </div>
            )}
          </section>
          <section className="card p-5 pt-3" aria-label="What">
            <Texts draft={draft} platforms={platforms} validation={validation.data} fresh={validation.settled || nothingChosen} onChange={put} />
          </section>
          <section className="card grid gap-4 p-5" aria-labelledby="files">
            <h2 id="files" className="font-semibold">
              Pictures and videos
            </h2>
            <Media urls={draft.mediaUrls} onChange={(mediaUrls) => put({ mediaUrls })} />
          </section>
          <section className="card grid gap-4 p-5" aria-labelledby="when">
            <h2 id="when" className="font-semibold">
              When
            </h2>
            <When at={draft.at} zone={draft.zone} problem={own("scheduledAt") ?? own("timezone")} onChange={put} />
            <div className="grid gap-4 sm:grid-cols-2">
              <Field label="If it cannot go out in time" hint="Later than that it is missed, not sent.">
                {(ids) => (
                  <select {...ids} className="control pick" value={draft.lateAfterMinutes} onChange={(event) => put({ lateAfterMinutes: Number(event.target.value) })}>
                    {(LATE.some(([minutes]) => minutes === draft.lateAfterMinutes) ? LATE : [...LATE, [draft.lateAfterMinutes, `${draft.lateAfterMinutes} minutes`] as const]).map(([minutes, label]) => (
                      <option key={minutes} value={minutes}>
                        Try for {label}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
              <Field label="Campaign" hint="Only for your own overview.">
                {(ids) => <input {...ids} className="control" value={draft.campaign} onChange={(event) => put({ campaign: event.target.value })} autoComplete="off" />}
              </Field>
            </div>
          </section>
          {save.isError && (
            <Notice
              tone="bad"
              action={
                stale && postId !== undefined ? (
                  <Link to="/posts/$postId" params={{ postId }} className={buttonClass("plain", "small")}>
                    See how it stands
                  </Link>
                ) : undefined
              }
            >
              {sentence(save.error)} {stale && "Your text is kept here."}
            </Notice>
          )}
          <div className="sticky bottom-14 z-20 -mx-4 flex items-center justify-end gap-2 border-t max-sm:[&>button]:flex-1 max-sm:[&>button]:px-2 max-sm:[&_svg]:hidden border-line bg-page/95 px-4 py-3 backdrop-blur sm:mx-0 sm:rounded-card sm:border lg:bottom-4">
            <span className="mr-auto hidden text-[0.8125rem] text-soft md:block">Kept in this browser as you write.</span>
            <Button icon={<Save aria-hidden size={16} />} busy={saving === "draft"} disabled={!canSave || save.isPending} onClick={() => go("draft")}>
              Save draft
            </Button>
            <Button icon={<Send aria-hidden size={16} />} busy={saving === "now"} disabled={draft.talentId === "" || save.isPending} onClick={() => go("now")}>
              Post now
            </Button>
            <Button look="primary" icon={<CalendarClock aria-hidden size={16} />} busy={saving === "schedule"} disabled={draft.talentId === "" || draft.at === "" || save.isPending} onClick={() => go("schedule")}>
              Schedule
            </Button>
          </div>
        </div>
        <div ref={findings} role="region" aria-label="Checks and previews" tabIndex={0} className="grid min-w-0 gap-6 xl:sticky xl:top-8 xl:max-h-[calc(100dvh-4rem)] xl:overflow-y-auto xl:pr-1">
          <Findings validation={validation.data} fresh={validation.settled} nothingChosen={nothingChosen} failure={validation.isError ? sentence(validation.error) : null} />
          {chosen.map((connection) => (
            <Preview
              key={connection.id}
              connection={connection}
              text={draft.overrides[connection.platform] ?? draft.content}
              media={draft.overrideMedia[connection.platform] ?? draft.mediaUrls}
              options={draft.options[connection.platform] ?? {}}
            />
          ))}
        </div>
      </div>
      {sure && (
        <Dialog
          title={`Post now to ${plural(chosen.length, "account")}?`}
          onClose={() => setSure(false)}
          actions={
            <>
              <Button onClick={() => setSure(false)}>Not yet</Button>
              <Button
                look="primary"
                onClick={() => {
                  setSure(false);
                  save.mutate("now");
                }}
              >
                Post now
              </Button>
            </>
          }
        >
          <p className="text-soft">It goes out at once and cannot be called back from every platform.</p>
          {(validation.data?.warnings.length ?? 0) > 0 && <p className="mt-2 text-warn">{plural(validation.data?.warnings.length ?? 0, "warning")} beside the text.</p>}
        </Dialog>
      )}
      <p className="sr-only">Times are in {userZone()} unless another zone is chosen.</p>
    </>
  );
}
