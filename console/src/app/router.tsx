import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";

import { BASE } from "./config";
import type { AppContext } from "./context";
import { NotFound, NotYours, Problem } from "./Problem";
import { Shell } from "./Shell";

const root = createRootRouteWithContext<AppContext>()({ component: Shell, notFoundComponent: NotFound });

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
/** Numbers and flags of a query are text to us: an id may look like either. */
const words = <const Name extends string>(...names: Name[]) =>
  (search: Record<string, unknown>): { [name in Name]?: string } => {
    const read: { [name in Name]?: string } = {};
    for (const name of names) {
      const value = text(typeof search[name] === "number" ? String(search[name]) : search[name]);
      if (value !== undefined) read[name] = value;
    }
    return read;
  };

/** What a consent came back with. */
const consent = words("connectionId", "error");

/** A page of the staff: a talent is told so instead of seeing an empty one. */
const staffOnly = ({ context }: { context: AppContext }) => {
  if (context.session.role !== "admin") throw redirect({ to: "/not-yours" });
};

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: consent,
  beforeLoad: ({ context, search }) => {
    // A consent that began elsewhere ends here.
    const to = context.session.role === "admin" ? "/talents" : "/accounts";
    throw search.connectionId !== undefined || search.error !== undefined ? redirect({ to, search }) : redirect({ to: "/calendar" });
  },
});

const talents = createRoute({
  getParentRoute: () => root,
  path: "/talents",
  validateSearch: consent,
  beforeLoad: staffOnly,
  component: lazyRouteComponent(() => import("../screens/talents/Talents"), "Talents"),
});

const talent = createRoute({
  getParentRoute: () => root,
  path: "/talents/$talentId",
  validateSearch: consent,
  beforeLoad: staffOnly,
  component: lazyRouteComponent(() => import("../screens/talents/Talent"), "Talent"),
});

const accounts = createRoute({
  getParentRoute: () => root,
  path: "/accounts",
  validateSearch: consent,
  component: lazyRouteComponent(() => import("../screens/accounts/Accounts"), "Accounts"),
});

const calendar = createRoute({
  getParentRoute: () => root,
  path: "/calendar",
  validateSearch: words("view", "day", "talent", "platform", "status", "from", "to"),
  component: lazyRouteComponent(() => import("../screens/calendar/Calendar"), "Calendar"),
});

const compose = createRoute({
  getParentRoute: () => root,
  path: "/compose",
  validateSearch: words("post", "again", "talent", "at"),
  component: lazyRouteComponent(() => import("../screens/compose/Compose"), "Compose"),
});

const post = createRoute({
  getParentRoute: () => root,
  path: "/posts/$postId",
  component: lazyRouteComponent(() => import("../screens/post/PostPage"), "PostPage"),
});

const importing = createRoute({
  getParentRoute: () => root,
  path: "/import",
  component: lazyRouteComponent(() => import("../screens/imports/Import"), "Import"),
});

const analytics = createRoute({
  getParentRoute: () => root,
  path: "/analytics",
  validateSearch: words("talent", "platform", "account", "range", "interval", "metric", "by"),
  component: lazyRouteComponent(() => import("../screens/analytics/Analytics"), "Analytics"),
});

const operations = createRoute({
  getParentRoute: () => root,
  path: "/operations",
  beforeLoad: staffOnly,
  component: lazyRouteComponent(() => import("../screens/operations/Operations"), "Operations"),
});

const auditLog = createRoute({
  getParentRoute: () => root,
  path: "/audit-log",
  validateSearch: words("actor", "action", "from", "to"),
  beforeLoad: staffOnly,
  component: lazyRouteComponent(() => import("../screens/audit/AuditLog"), "AuditLog"),
});

const apiKeys = createRoute({
  getParentRoute: () => root,
  path: "/api-keys",
  beforeLoad: staffOnly,
  component: lazyRouteComponent(() => import("../screens/keys/ApiKeys"), "ApiKeys"),
});

const notYours = createRoute({
  getParentRoute: () => root,
  path: "/not-yours",
  component: NotYours,
});

const tree = root.addChildren([home, calendar, compose, post, importing, talents, talent, accounts, analytics, operations, auditLog, apiKeys, notYours]);

export function createAppRouter(context: AppContext) {
  return createRouter({
    routeTree: tree,
    basepath: BASE,
    context,
    defaultPreload: "intent",
    defaultErrorComponent: Problem,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: true,
    // A page that is there within this time is shown at once, without a skeleton that only flickers.
    defaultPendingMs: 150,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
