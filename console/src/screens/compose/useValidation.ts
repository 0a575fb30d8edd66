import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { data } from "../../api/client";
import type { PostBody } from "../../api/types";
import { useHerald } from "../../connections/api";

/** How long someone has stopped typing before the API is asked, in milliseconds. */
const PAUSE = 300;

/** What the API says of a post as it stands: counts, problems and warnings, by the same rules that decide later. */
export function useValidation(body: PostBody, postId: string | undefined, enabled: boolean) {
  const { api } = useHerald();
  const text = JSON.stringify(body);
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), PAUSE);
    return () => window.clearTimeout(timer);
  }, [text]);
  const answer = useQuery({
    queryKey: ["validate", postId ?? null, settled],
    queryFn: ({ signal }) =>
      data(
        api.POST("/api/social/posts/validate", {
          body: JSON.parse(settled) as PostBody,
          params: { query: postId === undefined ? {} : { postId } },
          signal,
        }),
      ),
    enabled,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    gcTime: 60_000,
  });
  return { ...answer, settled: settled === text && !answer.isPlaceholderData && !answer.isFetching };
}
