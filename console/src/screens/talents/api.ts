import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";

import { data } from "../../api/client";
import { type Herald, useHerald } from "../../connections/api";

export const talentsQuery = ({ api }: Herald) =>
  infiniteQueryOptions({
    queryKey: ["talents"],
    queryFn: ({ pageParam, signal }) =>
      data(api.GET("/api/admin/talents", { params: { query: { limit: 200, ...(pageParam === null ? {} : { cursor: pageParam }) } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor ?? null,
    select: (answer) => answer.pages.flatMap((page) => page.talents),
  });

export const useTalents = (enabled = true) => useInfiniteQuery({ ...talentsQuery(useHerald()), enabled });
