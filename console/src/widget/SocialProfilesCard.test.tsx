import { render, waitFor } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";

import { SocialProfilesCard } from "./SocialProfilesCard";

const CONNECTION = { id: "conn_1", platform: "YOUTUBE", handle: "harbor", profileUrl: "https://y", connected: true, paused: false, connectionType: "MANUAL", syncStatus: "READY", missingScopes: [], scopes: [] };
let asked: Request[] = [];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(request);
    const body = request.url.endsWith("/capabilities") ? { platforms: [] } : { connections: [CONNECTION], total: 1 };
    return Response.json(body, { headers: { etag: '"1"' } });
  });
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }));
});

test("the card asks where it is told, with a token that was fetched for the call, and tells what it found", async () => {
  const changed = vi.fn();
  const { container } = render(<SocialProfilesCard talentId="talent_1" baseUrl="https://api.example/" getToken={() => "fresh"} token="stale" onConnectionsChange={changed} />);
  await waitFor(() => expect(changed).toHaveBeenCalledWith([expect.objectContaining({ handle: "harbor" })]));
  const list = asked.find(({ url }) => url.endsWith("/social-connections"));
  expect(list?.url).toBe("https://api.example/api/admin/talent/talent_1/social-connections");
  expect(list?.headers.get("authorization")).toBe("Bearer fresh");
  const shadow = container.firstElementChild?.shadowRoot;
  await waitFor(() => expect(shadow?.querySelector("article")?.getAttribute("aria-label")).toBe("YouTube harbor"));
  // Nothing of it stands where the host's styles would reach it.
  expect(container.querySelector("article")).toBeNull();
});

test("as a talent it reads the talent's own list", async () => {
  render(<SocialProfilesCard talentId="talent_1" token="t" role="talent" baseUrl="https://api.example" />);
  await waitFor(() => expect(asked.some(({ url }) => url === "https://api.example/api/exclusive/socials")).toBe(true));
});
