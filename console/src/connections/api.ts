import { queryOptions, useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";

import { type Api, data } from "../api/client";
import { isSyncing } from "./state";

export interface Herald {
  api: Api;
  role: "admin" | "talent";
}

const Context = createContext<Herald | null>(null);
export const HeraldProvider = Context.Provider;

export function useHerald(): Herald {
  const herald = useContext(Context);
  if (herald === null) throw new Error("useHerald needs a HeraldProvider");
  return herald;
}

/** How often a list is read again, in milliseconds: more often while something is under way. A hidden tab reads nothing. */
export const POLL = { calm: 10_000, busy: 2_000 };

export const capabilitiesQuery = (herald: Herald) =>
  queryOptions({
    queryKey: ["capabilities"],
    queryFn: ({ signal }) => data(herald.api.GET("/api/capabilities", { signal })),
    staleTime: 10 * 60_000,
    select: (answer) => answer.platforms,
  });

export const connectionsQuery = (herald: Herald, talentId: string) =>
  queryOptions({
    queryKey: ["connections", talentId],
    queryFn: ({ signal }) =>
      herald.role === "talent"
        ? data(herald.api.GET("/api/exclusive/socials", { signal }))
        : data(
            herald.api.GET("/api/admin/talent/{talentId}/social-connections", { params: { path: { talentId } }, signal }),
          ),
    select: (answer) => answer.connections,
    enabled: talentId !== "",
    refetchInterval: (query) => (query.state.data?.connections.some(isSyncing) === true ? POLL.busy : POLL.calm),
    refetchIntervalInBackground: false,
  });

export const useCapabilities = () => useQuery(capabilitiesQuery(useHerald()));
export const useConnections = (talentId: string) => useQuery(connectionsQuery(useHerald(), talentId));
