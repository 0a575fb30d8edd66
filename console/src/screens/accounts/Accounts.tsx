import { getRouteApi } from "@tanstack/react-router";

import { BASE } from "../../app/config";
import { PageHead } from "../../app/Page";
import { useConsentReturn } from "../../app/useConsentReturn";
import { SocialProfiles } from "../../connections/SocialProfiles";

const route = getRouteApi("/accounts");

/** A talent's own accounts. */
export function Accounts() {
  const { session } = route.useRouteContext();
  useConsentReturn(route.useSearch());
  return (
    <>
      <PageHead title="My accounts">Where your posts go, and where your figures come from.</PageHead>
      <SocialProfiles talentId={session.talentId ?? ""} returnTo={`${BASE}/accounts`} title="Accounts" />
    </>
  );
}
