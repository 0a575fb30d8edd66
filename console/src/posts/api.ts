import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { data } from "../api/client";
import { refusal } from "../api/errors";
import type { Post, PostBody } from "../api/types";
import type { Herald } from "../connections/api";

export interface Filter {
  talentId?: string;
  platform?: string;
  status?: string;
  /** Written at this instant or later. */
  from?: string;
  /** Written at this instant or earlier. */
  to?: string;
}

/** States in which something is about to change by itself. */
const MOVING = new Set(["scheduled", "queued"]);
const AT_WORK = new Set(["claimed", "submitting", "processing"]);

/** Whether a post is at work now, so that it is worth looking at every second. */
export const isAtWork = (post: Post, now = Date.now()): boolean =>
  post.status === "queued" ||
  post.deliveries.some((delivery) => AT_WORK.has(delivery.status)) ||
  (post.status === "scheduled" && post.scheduledAt != null && new Date(post.scheduledAt).getTime() - now < 10_000);

export interface Versioned {
  post: Post;
  etag: string;
}

async function versioned(answer: Promise<{ data?: Post | undefined; response: Response }>): Promise<Versioned> {
  const { data: post, response } = await answer;
  if (post === undefined) throw refusal(response.status, null);
  return { post, etag: response.headers.get("etag") ?? "" };
}

export const postQuery = ({ api }: Herald, postId: string) =>
  queryOptions({
    queryKey: ["post", postId],
    queryFn: ({ signal }) => versioned(api.GET("/api/social/posts/{postId}", { params: { path: { postId } }, signal })),
    refetchInterval: (query) => (query.state.data !== undefined && isAtWork(query.state.data.post) ? 1_500 : 10_000),
  });

/** Pages of posts, newest first. */
export const postsQuery = ({ api }: Herald, filter: Filter) =>
  infiniteQueryOptions({
    queryKey: ["posts", filter],
    queryFn: ({ pageParam, signal }) =>
      data(
        api.GET("/api/social/posts", {
          params: { query: { ...filter, limit: 200, ...(pageParam === null ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor ?? null,
    select: (answer) => answer.pages.flatMap((page) => page.posts),
    refetchInterval: (query) => {
      const posts = query.state.data?.pages.flatMap((page) => page.posts) ?? [];
      return posts.some((post) => isAtWork(post)) ? 2_000 : posts.some((post) => MOVING.has(post.status)) ? 10_000 : 20_000;
    },
  });

export const createPost = ({ api }: Herald, body: PostBody, key: string) =>
  versioned(api.POST("/api/social/posts", { body, headers: { "Idempotency-Key": key } }));

export const publishPost = ({ api }: Herald, body: PostBody | { postId: string }, key: string) =>
  versioned(api.POST("/api/social/posts/publish", { body: body as PostBody, headers: { "Idempotency-Key": key } }));

export const changePost = ({ api }: Herald, postId: string, etag: string, body: PostBody) =>
  versioned(
    api.PATCH("/api/social/posts/{postId}", {
      params: { path: { postId }, header: { "If-Match": etag } },
      // What a new body leaves out stays as it was; without a time the post becomes a draft.
      body: { ...body, scheduledAt: body.scheduledAt ?? null, platforms: [] },
    }),
  );

/** Another time for a post, and nothing else. */
export const movePost = ({ api }: Herald, postId: string, etag: string, scheduledAt: string) =>
  versioned(api.PATCH("/api/social/posts/{postId}", { params: { path: { postId }, header: { "If-Match": etag } }, body: { scheduledAt } }));
