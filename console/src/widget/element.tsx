import { createElement } from "react";
import { createRoot, type Root } from "react-dom/client";

import type { Connection } from "../api/types";
import { type IconSize, PlatformIcon } from "../platforms/PlatformIcon";
import { SocialProfilesCard, type SocialProfilesCardProps } from "./SocialProfilesCard";

/** An element that draws itself anew when an attribute or a property changes. */
abstract class Drawn extends HTMLElement {
  private root: Root | null = null;

  connectedCallback(): void {
    this.root = createRoot(this);
    this.draw();
  }

  disconnectedCallback(): void {
    this.root?.unmount();
    this.root = null;
  }

  attributeChangedCallback(): void {
    this.draw();
  }

  protected draw(): void {
    this.root?.render(this.content());
  }

  protected abstract content(): ReturnType<typeof createElement>;
}

/**
 * `<herald-social-profiles talent-id="…" token="…">`: the accounts of a talent. Attributes: `talent-id`, `token`, `base-url`,
 * `role-of` (`admin` or `talent`), `return-to`, `theme`. Property: `getToken`. Event: `connectionschange`, its `detail` the accounts.
 */
export class HeraldSocialProfiles extends Drawn {
  static readonly observedAttributes = ["talent-id", "token", "base-url", "role-of", "return-to", "theme"];
  private ask: SocialProfilesCardProps["getToken"];

  override connectedCallback(): void {
    // Set before this class was known, it is a property of the element's own and hides the one below.
    if (Object.hasOwn(this, "getToken")) {
      const early = this.getToken;
      Reflect.deleteProperty(this, "getToken");
      this.ask = early;
    }
    super.connectedCallback();
  }

  get getToken(): SocialProfilesCardProps["getToken"] {
    return this.ask;
  }

  set getToken(ask: SocialProfilesCardProps["getToken"]) {
    this.ask = ask;
    this.draw();
  }

  protected content() {
    const text = (name: string) => this.getAttribute(name) ?? undefined;
    const theme = text("theme");
    const values = { token: text("token"), getToken: this.ask, baseUrl: text("base-url"), returnTo: text("return-to") };
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
    return createElement(SocialProfilesCard, {
      talentId: text("talent-id") ?? "",
      role: text("role-of") === "talent" ? "talent" : "admin",
      theme: theme === "light" || theme === "dark" ? theme : "system",
      onConnectionsChange: (connections: Connection[]) => this.dispatchEvent(new CustomEvent("connectionschange", { detail: connections, bubbles: true })),
      ...given,
    });
  }
}

/** `<herald-platform-icon platform="YOUTUBE" size="md">`: a platform's mark. */
export class HeraldPlatformIcon extends Drawn {
  static readonly observedAttributes = ["platform", "size"];

  protected content() {
    const size = this.getAttribute("size");
    return createElement(PlatformIcon, { platform: this.getAttribute("platform") ?? "", size: (["sm", "md", "lg"].includes(size ?? "") ? size : "md") as IconSize });
  }
}

customElements.get("herald-social-profiles") ?? customElements.define("herald-social-profiles", HeraldSocialProfiles);
customElements.get("herald-platform-icon") ?? customElements.define("herald-platform-icon", HeraldPlatformIcon);
