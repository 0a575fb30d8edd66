import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Archive, Ban, Copy, Pencil, RotateCw, Send, Trash2 } from "lucide-react";
import { useState } from "react";

import { data, idempotencyKey } from "../../api/client";
import { ApiError, sentence } from "../../api/errors";
import type { Post } from "../../api/types";
import { PageHead } from "../../app/Page";
import { NotFound } from "../../app/Problem";
import { useConnections, useHerald } from "../../connections/api";
import { postQuery, publishPost } from "../../posts/api";
import { badgeOf } from "../../posts/states";
import { Badge } from "../../ui/Badge";
import { Button, buttonClass } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Notice } from "../../ui/Notice";
import { dateTime, relative, useNow, userZone, zoneName } from "../../ui/time";
import { useToast } from "../../ui/Toasts";
import { DeliveryCard } from "./DeliveryCard";

const route = getRouteApi("/posts/$postId");

type Deed = "retry" | "archive" | "cancel" | "remove" | "removeRemote" | "now";

const DONE: Record<Deed, string> = {
  retry: "Trying again.",
  archive: "Archived.",
  cancel: "Taken back. It is a draft again.",
  remove: "Deleted.",
  removeRemote: "Being deleted on the platforms that let it.",
  now: "On its way.",
};

/** A post: what it says, where it goes, and everything that was tried. */
export function PostPage() {
  const { postId } = route.useParams();
  const herald = useHerald();
  const { api } = herald;
  const client = useQueryClient();
  const toast = useToast();
  const navigate = useNavigate();
  const now = useNow(5_000);
  const query = useQuery(postQuery(herald, postId));
  const post = query.data?.post;
  const connections = useConnections(post?.talentId ?? "");
  const [asked, setAsked] = useState<"remove" | "removeRemote" | null>(null);
  const act = useMutation({
    mutationFn: async (deed: Deed) => {
      const params = { path: { postId } };
      switch (deed) {
        case "retry":
          return data(api.POST("/api/social/posts/{postId}/retry", { params }));
        case "archive":
          return data(api.POST("/api/social/posts/{postId}/archive", { params }));
        case "cancel":
          return data(api.POST("/api/social/posts/{postId}/cancel", { params }));
        case "now":
          return (await publishPost(herald, { postId }, idempotencyKey())).post;
        default: {
          const query = deed === "removeRemote" ? { remote: true } : {};
          const { data: left } = await api.DELETE("/api/social/posts/{postId}", { params: { ...params, query } });
          return left ?? null;
        }
      }
    },
    onSuccess: (left, deed) => {
      const stays = (left as Post | null)?.notDeleted ?? [];
      toast({ tone: stays.length > 0 ? "info" : "good", text: stays.length > 0 ? "Deleted where the platform lets it; the rest is named below." : DONE[deed] });
      void client.invalidateQueries({ queryKey: ["posts"] });
      if (deed === "remove") void navigate({ to: "/calendar" });
      else void query.refetch();
    },
    onError: (error) => {
      toast({ tone: "bad", text: sentence(error) });
      void query.refetch();
    },
  });
  if (query.error instanceof ApiError && query.error.status === 404) return <NotFound />;
  if (post === undefined) {
    return query.isError ? (
      <Notice tone="bad" action={<Button small onClick={() => void query.refetch()}>Try again</Button>}>
        {sentence(query.error)}
      </Notice>
    ) : (
      <Skeleton />
    );
  }
  const badge = badgeOf(post);
  const busy = act.isPending ? act.variables : null;
  const isEarly = post.status === "draft" || post.status === "scheduled";
  const canRetry = (post.status === "failed" || post.status === "partial") && post.deliveries.some(({ status }) => status === "failed" || status === "missed");
  const isOut = post.deliveries.some(({ status, deleted }) => status === "published" && !deleted);
  return (
    <>
      <PageHead
        title={titleOf(post)}
        actions={
          <>
            {isEarly && (
              <Link to="/compose" search={{ post: post.id }} className={buttonClass("plain")}>
                <Pencil aria-hidden size={16} /> Edit
              </Link>
            )}
            {isEarly && (
              <Button icon={<Send aria-hidden size={16} />} busy={busy === "now"} onClick={() => act.mutate("now")} disabled={post.connectionIds.length === 0}>
                Post now
              </Button>
            )}
            {post.status === "scheduled" && (
              <Button icon={<Ban aria-hidden size={16} />} busy={busy === "cancel"} onClick={() => act.mutate("cancel")}>
                Take back
              </Button>
            )}
            {canRetry && (
              <Button look="primary" icon={<RotateCw aria-hidden size={16} />} busy={busy === "retry"} onClick={() => act.mutate("retry")}>
                Retry
              </Button>
            )}
            <Link to="/compose" search={{ again: post.id }} className={buttonClass("plain")}>
              <Copy aria-hidden size={16} /> Duplicate
            </Link>
            {["published", "partial", "failed"].includes(post.status) && (
              <Button icon={<Archive aria-hidden size={16} />} busy={busy === "archive"} onClick={() => act.mutate("archive")}>
                Archive
              </Button>
            )}
            {(isEarly || post.status === "failed") && (
              <Button look="danger" icon={<Trash2 aria-hidden size={16} />} busy={busy === "remove"} onClick={() => setAsked("remove")}>
                Delete
              </Button>
            )}
            {!isEarly && isOut && (
              <Button look="danger" icon={<Trash2 aria-hidden size={16} />} busy={busy === "removeRemote"} onClick={() => setAsked("removeRemote")}>
                Delete everywhere
              </Button>
            )}
          </>
        }
      >
        <span className="inline-flex flex-wrap items-center gap-x-3 gap-y-1" role="status">
          <Badge tone={badge.tone}>{badge.label}</Badge>
          {post.scheduledAt != null && (
            <span>
              {dateTime(post.scheduledAt)} <span className="text-[0.8125rem]">{zoneName(userZone(), new Date(post.scheduledAt))}</span>, {relative(post.scheduledAt, now)}
            </span>
          )}
        </span>
      </PageHead>
      <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,22rem)_minmax(0,1fr)]">
        <section className="card grid gap-4 p-5" aria-label="The post">
          <p className="break-words whitespace-pre-wrap">{post.content === "" ? <span className="text-soft">No shared text</span> : post.content}</p>
          {Object.entries(post.overrides).map(([platform, own]) => (
            <div key={platform} className="border-t border-line pt-3">
              <h3 className="text-[0.75rem] font-medium text-soft">On {platform.charAt(0) + platform.slice(1).toLowerCase()}</h3>
              <p className="mt-1 break-words whitespace-pre-wrap">{own.content}</p>
            </div>
          ))}
          {post.mediaUrls.length > 0 && (
            <ul className="grid gap-1 border-t border-line pt-3 text-[0.8125rem]">
              {post.mediaUrls.map((url) => (
                <li key={url} className="truncate">
                  <a href={url} target="_blank" rel="noreferrer" className="text-accent hover:underline">
                    {url}
                  </a>
                </li>
              ))}
            </ul>
          )}
          <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 border-t border-line pt-3 text-[0.8125rem]">
            {facts(post).map(([name, value]) => (
              <div key={name} className="contents">
                <dt className="text-soft">{name}</dt>
                <dd className="min-w-0 break-words">{value}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section aria-label="Deliveries" className="grid min-w-0 gap-4">
          {post.deliveries.length === 0 && <Notice tone="info">It goes to no account yet. Edit it and choose some.</Notice>}
          {post.deliveries.map((delivery) => (
            <DeliveryCard
              key={delivery.id}
              delivery={delivery}
              stays={post.notDeleted?.find((left) => left.deliveryId === delivery.id)?.message ?? null}
              handle={connections.data?.find((connection) => connection.id === delivery.connectionId)?.handle ?? null}
              now={now}
              onResolved={() => {
                void query.refetch();
                void client.invalidateQueries({ queryKey: ["posts"] });
              }}
            />
          ))}
        </section>
      </div>
      {asked !== null && (
        <Dialog
          title={asked === "remove" ? "Delete this post?" : "Delete it on the platforms?"}
          onClose={() => setAsked(null)}
          actions={
            <>
              <Button onClick={() => setAsked(null)}>Keep it</Button>
              <Button
                look="danger"
                onClick={() => {
                  act.mutate(asked);
                  setAsked(null);
                }}
              >
                {asked === "remove" ? "Delete" : "Delete everywhere"}
              </Button>
            </>
          }
        >
          <p className="text-soft">
            {asked === "remove"
              ? "It is not out, and it will not go out. This cannot be undone."
              : "Herald deletes it on each platform that lets it, and archives it here. What a platform does not let be deleted stays there and is named."}
          </p>
        </Dialog>
      )}
    </>
  );
}

/** The first line, as far as it is a title. */
export function titleOf(post: Post): string {
  const line = (post.content || Object.values(post.overrides)[0]?.content || "").split("\n")[0]?.trim() ?? "";
  const letters = [...line];
  return letters.length === 0 ? "Post without text" : letters.length > 70 ? `${letters.slice(0, 68).join("")}…` : line;
}

function facts(post: Post): [string, string][] {
  const late = post.lateAfterMinutes;
  return [
    ["Talent", post.talentId],
    ...(post.campaign != null ? ([["Campaign", post.campaign]] as [string, string][]) : []),
    ["Written", dateTime(post.createdAt)],
    ["By", post.createdBy],
    ...(post.timezone != null && post.scheduledAt != null ? ([["Its zone", `${dateTime(post.scheduledAt, post.timezone)}, ${zoneName(post.timezone, new Date(post.scheduledAt))}`]] as [string, string][]) : []),
    ["Missed after", late % 1440 === 0 ? `${late / 1440} d` : late % 60 === 0 ? `${late / 60} h` : `${late} min`],
  ];
}

function Skeleton() {
  return (
    <div role="status" aria-label="Loading the post" className="grid gap-6">
      <span className="skeleton h-8 w-80" />
      <div className="grid gap-6 xl:grid-cols-[22rem_1fr]">
        <span className="skeleton h-56" />
        <span className="skeleton h-56" />
      </div>
    </div>
  );
}
