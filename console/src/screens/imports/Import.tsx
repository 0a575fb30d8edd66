import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Download, FileUp } from "lucide-react";
import { type DragEvent, useState } from "react";

import { data } from "../../api/client";
import { sentence } from "../../api/errors";
import { PageHead } from "../../app/Page";
import { useHerald } from "../../connections/api";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { cx } from "../../ui/classes";
import { Notice } from "../../ui/Notice";
import { plural } from "../../ui/number";

const route = getRouteApi("/import");

/** The API's own limit. */
const MOST_BYTES = 5_000_000;

const pattern = (talentId: string) =>
  `talentId,content,platforms,mediaUrls,scheduledAt,timezone,campaign\n${talentId},"Fresh beans today.",MASTODON|BLUESKY,,2030-06-01T09:00,Europe/Berlin,spring\n`;

/** Posts from a file: first what it would do, then it is done. */
export function Import() {
  const { session } = route.useRouteContext();
  const { api } = useHerald();
  const [file, setFile] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const send = useMutation({
    mutationFn: async ({ text, dryRun }: { text: string; dryRun: boolean }) => {
      const answer = api.POST("/api/social/posts/bulk", {
        params: { query: dryRun ? { dryRun: true } : {} },
        body: text as never,
        bodySerializer: (body: unknown) => body as string,
        headers: { "Content-Type": "text/csv" },
      });
      return { ...(await data(answer)), dryRun };
    },
  });
  const choose = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    send.reset();
    const reason = chosen.size > MOST_BYTES ? "The file is larger than 5 MB. Divide it." : chosen.size === 0 ? "The file is empty." : null;
    setWrong(reason);
    setFile(reason === null ? chosen : null);
    if (reason === null) send.mutate({ text: await chosen.text(), dryRun: true });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void choose(event.dataTransfer.files[0]);
  };
  const example = `data:text/csv;charset=utf-8,${encodeURIComponent(pattern(session.talentId ?? "talent_demo"))}`;
  return (
    <>
      <PageHead
        title="Import posts"
        actions={
          <a href={example} download="herald-posts.csv" className="inline-flex min-h-10 items-center gap-2 rounded-control px-3 text-[0.875rem] font-medium text-accent hover:bg-accent-wash">
            <Download aria-hidden size={16} /> A file to begin with
          </a>
        }
      >
        A table of posts as CSV. It is checked first, row by row, and nothing is made before you say so.
      </PageHead>
      <label
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={cx(
          "card grid cursor-pointer justify-items-center gap-2 border-2 border-dashed px-6 py-10 text-center transition-colors hover:bg-sunken has-focus-visible:outline-2 has-focus-visible:outline-accent",
          over ? "border-accent bg-accent-wash" : "border-line",
        )}
      >
        <FileUp aria-hidden size={28} strokeWidth={1.5} className="text-soft" />
        <span className="font-medium">{file === null ? "Choose a file, or drop it here" : file.name}</span>
        <span className="max-w-xl text-[0.8125rem] text-soft">
          Columns: talentId, content, platforms, connectionIds, mediaUrls, scheduledAt, timezone, campaign, hashtags, lateAfterMinutes, options.PLATFORM.name, overrides.PLATFORM.content. Lists
          with | between their parts.
        </span>
        <input type="file" accept=".csv,text/csv" className="sr-only" onChange={(event) => void choose(event.target.files?.[0])} />
      </label>
      <div className="mt-6 grid grid-cols-[minmax(0,1fr)] gap-4">
        {(wrong !== null || send.isError) && <Notice tone="bad">{wrong ?? sentence(send.error)}</Notice>}
        {send.isPending && <Notice tone="info">{send.variables.dryRun ? "Checking the file…" : "Handing the file over…"}</Notice>}
        {send.isSuccess && (
          <Report
            key={send.data.jobId}
            jobId={send.data.jobId}
            onGo={
              send.data.dryRun && file !== null
                ? async () => {
                    send.mutate({ text: await file.text(), dryRun: false });
                  }
                : null
            }
          />
        )}
      </div>
    </>
  );
}

const ROWS: Record<string, { label: string; tone: "good" | "bad" | "info" }> = {
  created: { label: "Made", tone: "good" },
  valid: { label: "Good", tone: "good" },
  failed: { label: "To mend", tone: "bad" },
};

function Report({ jobId, onGo }: { jobId: string; onGo: (() => Promise<void>) | null }) {
  const { api } = useHerald();
  const report = useInfiniteQuery({
    queryKey: ["bulk", jobId],
    queryFn: ({ pageParam, signal }) =>
      data(api.GET("/api/social/posts/bulk/{jobId}", { params: { path: { jobId }, query: { limit: 200, ...(pageParam === null ? {} : { cursor: pageParam }) } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor ?? null,
    refetchInterval: (query) => (query.state.data?.pages[0]?.state === "done" ? false : 1_000),
  });
  const head = report.data?.pages[0];
  if (report.isError) return <Notice tone="bad">{sentence(report.error)}</Notice>;
  if (head === undefined) return <span className="skeleton h-32" role="status" aria-label="Loading the report" />;
  const rows = report.data?.pages.flatMap((page) => page.rows) ?? [];
  const running = head.state !== "done";
  const good = head.dryRun ? head.valid : head.created;
  return (
    <section aria-label="Report" className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <div role="status" className="flex flex-wrap items-center justify-between gap-4">
        <h2 className="text-lg font-semibold">
          {running ? `${head.dryRun ? "Checking" : "Making"} ${plural(head.total, "row")}…` : head.dryRun ? `${plural(good, "row is", "rows are")} good, ${head.failed} to mend` : `${plural(good, "post")} made, ${plural(head.failed, "row")} left out`}
        </h2>
        {!running && onGo !== null && good > 0 && (
          <Button look="primary" onClick={() => void onGo()}>
            Make {plural(good, "post")}
          </Button>
        )}
        {!running && !head.dryRun && (
          <Link to="/calendar" search={{ view: "list" }} className="font-medium text-accent underline">
            See them
          </Link>
        )}
      </div>
      <div className="card relative overflow-x-auto" tabIndex={0} role="region" aria-label="Rows">
        <table className="w-full min-w-[36rem] text-left text-[0.875rem]">
          <thead className="border-b border-line text-[0.75rem] text-soft">
            <tr>
              <th scope="col" className="w-20 px-5 py-2 font-medium">Row</th>
              <th scope="col" className="w-28 px-3 py-2 font-medium">State</th>
              <th scope="col" className="px-3 py-2 font-medium">What was found</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {rows.map((row) => {
              const word = ROWS[row.status] ?? { label: row.status, tone: "info" as const };
              return (
                <tr key={row.row}>
                  <td className="px-5 py-2.5 align-top tabular-nums">{row.row}</td>
                  <td className="px-3 py-2.5 align-top">
                    <Badge tone={word.tone}>{word.label}</Badge>
                  </td>
                  <td className="px-3 py-2.5">
                    {row.problems.length === 0 && row.postId == null && <span className="text-soft">Nothing</span>}
                    {row.postId != null && (
                      <Link to="/posts/$postId" params={{ postId: row.postId }} className="text-accent underline">
                        Open
                      </Link>
                    )}
                    {row.problems.map((problem) => (
                      <p key={`${problem.field}${problem.message}`} className={problem.severity === "error" ? "text-bad" : "text-warn"}>
                        {problem.field !== "" && <span className="font-medium">{problem.field}: </span>}
                        {problem.message}
                      </p>
                    ))}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {report.hasNextPage && (
        <Button busy={report.isFetchingNextPage} onClick={() => void report.fetchNextPage()}>
          More rows
        </Button>
      )}
    </section>
  );
}
