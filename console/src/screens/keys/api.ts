import { queryOptions } from "@tanstack/react-query";

import { data } from "../../api/client";
import type { CreateApiKey } from "../../api/types";
import type { Herald } from "../../connections/api";

export const keysQuery = ({ api }: Herald) =>
  queryOptions({
    queryKey: ["api-keys"],
    queryFn: ({ signal }) => data(api.GET("/api/admin/api-keys", { signal })),
    select: (answer) => answer.apiKeys,
  });

export const createKey = ({ api }: Herald, body: CreateApiKey, key: string) => data(api.POST("/api/admin/api-keys", { body, headers: { "Idempotency-Key": key } }));

export const revokeKey = ({ api }: Herald, id: string) => data(api.DELETE("/api/admin/api-keys/{id}", { params: { path: { id } } }));
