import { expect, test } from "vitest";

import { actionWord } from "./actions";

test("an action is told in words, and one that is not known by its name", () => {
  expect([actionWord("api_key.revoke"), actionWord("moon.landing")]).toEqual(["Revoked an API key", "moon.landing"]);
});
