import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { data } from "../../api/client";
import type { Herald } from "../../connections/api";
import type { Range } from "./range";
import type { Metric } from "./words";

/** Whose figures, and of which accounts. */
export interface Subject {
  talentId: string;
  platform?: string;
  connectionId?: string;
}

/** Looks are hours apart; a screen that is opened again within a minute shows what it had. */
const common = { placeholderData: keepPreviousData, staleTime: 60_000 };

const accountsOf = ({ platform, connectionId }: Subject) => ({
  ...(platform === undefined ? {} : { platform }),
  ...(connectionId === undefined ? {} : { connectionId }),
});
const ofPlatform = ({ platform }: Subject) => (platform === undefined ? {} : { platform });
const path = ({ talentId }: Subject) => ({ talentId });

export const figuresQuery = ({ api, role }: Herald, subject: Subject, { from, to }: Range) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "figures", subject, from, to],
    queryFn: ({ signal }) => {
      const query = { ...accountsOf(subject), startDate: from, endDate: to };
      return role === "talent"
        ? data(api.GET("/api/social/analytics", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics", { params: { path: path(subject), query }, signal }));
    },
    select: (answer) => answer.data,
  });

export const trendsQuery = ({ api, role }: Herald, subject: Subject, range: Range, metric: Metric, interval: string) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "trends", subject, range, metric, interval],
    queryFn: ({ signal }) => {
      const query = { ...accountsOf(subject), ...range, metric, interval };
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/trends", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/trends", { params: { path: path(subject), query }, signal }));
    },
  });

export const summaryQuery = ({ api, role }: Herald, subject: Subject) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "summary", subject],
    queryFn: ({ signal }) => {
      const query = ofPlatform(subject);
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/summary", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/summary", { params: { path: path(subject), query }, signal }));
    },
  });

/** Pages of publications, newest first. */
export const publicationsQuery = ({ api, role }: Herald, subject: Subject) =>
  infiniteQueryOptions({
    ...common,
    queryKey: ["analytics", "posts", subject],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...accountsOf(subject), limit: 200, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/posts", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/posts", { params: { path: path(subject), query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor ?? null,
    select: (answer) => answer.pages.flatMap((page) => page.publications),
  });

export const audienceQuery = ({ api, role }: Herald, subject: Subject) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "audience", subject],
    queryFn: ({ signal }) => {
      const query = accountsOf(subject);
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/audience", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/audience", { params: { path: path(subject), query }, signal }));
    },
    select: (answer) => answer.accounts,
  });

export const bestTimesQuery = ({ api, role }: Herald, subject: Subject) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "best-times", subject],
    queryFn: ({ signal }) => {
      const query = accountsOf(subject);
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/best-times", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/best-times", { params: { path: path(subject), query }, signal }));
    },
  });

export const forecastQuery = ({ api, role }: Herald, subject: Subject) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "forecast", subject],
    queryFn: ({ signal }) => {
      const query = accountsOf(subject);
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/forecast", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/forecast", { params: { path: path(subject), query }, signal }));
    },
  });

export const adviceQuery = ({ api, role }: Herald, subject: Subject) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "recommendations", subject],
    queryFn: ({ signal }) => {
      const query = accountsOf(subject);
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/recommendations", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/recommendations", { params: { path: path(subject), query }, signal }));
    },
  });

/** Accounts side by side. One that was just added is looked at soon, so it is read again until it was. */
export const benchmarksQuery = ({ api, role }: Herald, subject: Subject) =>
  queryOptions({
    ...common,
    queryKey: ["analytics", "benchmarks", subject.talentId, subject.platform ?? null],
    queryFn: ({ signal }) => {
      const query = ofPlatform(subject);
      return role === "talent"
        ? data(api.GET("/api/exclusive/analytics/benchmarks", { params: { query }, signal }))
        : data(api.GET("/api/admin/talent/{talentId}/analytics/benchmarks", { params: { path: path(subject), query }, signal }));
    },
    refetchInterval: (query) => (query.state.data?.competitors.some(({ asOf, error }) => asOf == null && error == null) === true ? 10_000 : false),
  });

export const addCompetitor = ({ api, role }: Herald, talentId: string, platform: string, handle: string, key: string) =>
  data(
    api.POST("/api/social/competitors", {
      body: { platform, handle, ...(role === "admin" ? { talentId } : {}) },
      headers: { "Idempotency-Key": key },
    }),
  );

export const removeCompetitor = ({ api }: Herald, id: string) => data(api.DELETE("/api/social/competitors/{id}", { params: { path: { id } } }));
