import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { sentence } from "../../api/errors";
import { PageHead } from "../../app/Page";
import { useHerald } from "../../connections/api";
import { postQuery } from "../../posts/api";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { Notice } from "../../ui/Notice";
import { userZone } from "../../ui/time";
import { useTalents } from "../talents/api";
import { draftOf, emptyDraft } from "./draft";
import { Editor } from "./Editor";

const route = getRouteApi("/compose");

/** Writes a post: a new one, one that is not out yet, or another one after the pattern of an old one. */
export function Compose() {
  const { post: postId, again, talent, at } = route.useSearch();
  const { session } = route.useRouteContext();
  const herald = useHerald();
  const source = postId ?? again;
  const stored = useQuery({ ...postQuery(herald, source ?? ""), enabled: source !== undefined, refetchInterval: false, refetchOnWindowFocus: false });
  const isStaff = session.role === "admin";
  const talents = useTalents(isStaff);
  const who = `${session.workspace}.${session.subject}`;
  if (stored.isError || talents.isError) {
    return (
      <>
        <PageHead title="Write a post" />
        <Notice tone="bad" action={<Button small onClick={() => void Promise.all([stored.refetch(), talents.refetch()])}>Try again</Button>}>
          {sentence(stored.error ?? talents.error)}
        </Notice>
      </>
    );
  }
  if ((source !== undefined && stored.data === undefined) || (isStaff && talents.data === undefined)) return <Skeleton />;
  if (isStaff && talents.data?.length === 0) {
    return (
      <>
        <PageHead title="Write a post" />
        <Empty title="Nobody to write for yet">Add a talent and connect an account first.</Empty>
      </>
    );
  }
  const zone = userZone();
  const first = session.talentId ?? talent ?? (talents.data?.length === 1 ? (talents.data[0]?.id ?? "") : "");
  if (stored.data !== undefined) {
    const { post, etag } = stored.data;
    if (postId !== undefined && post.status !== "draft" && post.status !== "scheduled") {
      return (
        <>
          <PageHead title="This post can no longer be changed" />
          <Notice tone="info">It is {post.status}. You can duplicate it from its page.</Notice>
        </>
      );
    }
    const begin = () => (postId === undefined ? draftOf(post, zone, true) : { ...draftOf(post, zone), etag });
    return <Editor key={source} keep={`${who}.${postId === undefined ? `again.${source}` : postId}`} postId={postId} etag={etag} begin={begin} talents={talents.data ?? []} />;
  }
  const begin = () => ({ ...emptyDraft(first, zone), ...(at === undefined ? {} : { at }) });
  return <Editor key={`new ${at ?? ""} ${talent ?? ""}`} keep={`${who}.new`} postId={undefined} etag={undefined} begin={begin} over={{ ...(at === undefined ? {} : { at }), ...(talent === undefined ? {} : { talentId: talent }) }} talents={talents.data ?? []} />;
}

function Skeleton() {
  return (
    <div role="status" aria-label="Loading the post">
      <PageHead title="Write a post" />
      <div className="grid gap-6 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <span className="skeleton h-96" />
        <span className="skeleton h-72" />
      </div>
    </div>
  );
}
