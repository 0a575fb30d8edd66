import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";

import { createApi } from "../api/client";
import type { Connection } from "../api/types";
import { HeraldProvider } from "../connections/api";
import { outcomeOf } from "../connections/outcomes";
import { SocialProfiles } from "../connections/SocialProfiles";
import { Toasts, useToast } from "../ui/Toasts";
import { Isolated } from "./Isolated";

export interface SocialProfilesCardProps {
  /** The talent whose accounts are shown. */
  talentId: string;
  /** Called with the accounts whenever they changed. */
  onConnectionsChange?: (connections: Connection[]) => void;
  /** A bearer token of the API. */
  token?: string;
  /** Fetches a token that is good now; asked before each call. It wins over `token`. */
  getToken?: () => string | null | Promise<string | null>;
  /** Where Herald is; the page's own origin unless given. Another origin must be among its `AllowedOrigins`. */
  baseUrl?: string;
  /** Who the token is; `admin` unless given. */
  role?: "admin" | "talent";
  /** Where a consent leads back to; this page unless given. */
  returnTo?: string;
  /** `system` unless given. */
  theme?: "light" | "dark" | "system";
}

/** The accounts of a talent, with everything that can be done with them, for other people's apps. */
export function SocialProfilesCard({ talentId, onConnectionsChange, token, getToken, baseUrl, role = "admin", returnTo, theme = "system" }: SocialProfilesCardProps) {
  const origin = baseUrl === undefined || baseUrl === "" ? window.location.origin : baseUrl.replace(/\/+$/, "");
  const access = useRef({ token, getToken });
  access.current = { token, getToken };
  const herald = useMemo(
    () => ({
      role,
      api: createApi({
        baseUrl: origin,
        token: async () => {
          const { token, getToken } = access.current;
          return getToken === undefined ? (token ?? null) : getToken();
        },
      }),
    }),
    [origin, role],
  );
  const queries = useMemo(() => new QueryClient({ defaultOptions: { queries: { retry: 1, staleTime: 5_000, networkMode: "always" }, mutations: { networkMode: "always" } } }), [herald]);
  return (
    <Isolated theme={theme}>
      <QueryClientProvider client={queries}>
        <HeraldProvider value={herald}>
          <Toasts>
            <Arrival />
            <SocialProfiles talentId={talentId} returnTo={returnTo ?? window.location.href} onChange={onConnectionsChange} />
          </Toasts>
        </HeraldProvider>
      </QueryClientProvider>
    </Isolated>
  );
}

/** Says how a consent ended that led back to this page, and takes it out of the address. */
function Arrival() {
  const toast = useToast();
  useEffect(() => {
    const url = new URL(window.location.href);
    const outcome = outcomeOf({ connectionId: url.searchParams.get("connectionId") ?? undefined, error: url.searchParams.get("error") ?? undefined });
    if (outcome === null) return;
    toast(outcome);
    url.searchParams.delete("connectionId");
    url.searchParams.delete("error");
    window.history.replaceState(window.history.state, "", url);
  }, [toast]);
  return null;
}
