import "./styles/base.css";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createApi } from "./api/client";
import { ApiError, sentence } from "./api/errors";
import { BASE, loadConfig, properAddress } from "./app/config";
import { createAppRouter } from "./app/router";
import { Login } from "./app/session";
import { SessionOver } from "./app/SessionOver";
import { applyTheme, storedTheme } from "./app/theme";
import { HeraldProvider } from "./connections/api";
import { Toasts } from "./ui/Toasts";

const root = createRoot(document.getElementById("root") ?? document.body);

/** A refusal stays a refusal; only what may pass is asked again. */
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => count < 2 && (!(error instanceof ApiError) || error.isOffline || error.status >= 500),
      staleTime: 5_000,
      // The client itself says that it is offline; a poll then goes on as soon as there is a line.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

async function start(): Promise<void> {
  applyTheme(storedTheme());
  const config = await loadConfig();
  const elsewhere = properAddress(config, window.location);
  if (elsewhere !== null) {
    window.location.replace(elsewhere);
    return;
  }
  const login = new Login(config);
  const over = new EventTarget();
  const path = window.location.pathname;
  if (path === `${BASE}/login`) {
    const wanted = await login.finish().catch(() => "/");
    window.history.replaceState(null, "", `${BASE}${wanted === "/" ? "" : wanted}`);
  }
  const session = await login.session();
  if (session === null) {
    const here = `${window.location.pathname}${window.location.search}`.slice(BASE.length);
    await login.begin(here === "" ? "/" : here);
    return;
  }
  const api = createApi({
    baseUrl: window.location.origin,
    token: () => login.token(),
    onUnauthorized: () => over.dispatchEvent(new Event("over")),
  });
  const herald = { api, role: session.role };
  const router = createAppRouter({ herald, session, login, queries, version: config.version });
  root.render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <HeraldProvider value={herald}>
          <Toasts>
            <RouterProvider router={router} />
            <SessionOver over={over} login={login} />
          </Toasts>
        </HeraldProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}

start().catch((error: unknown) => {
  root.render(
    <main className="mx-auto grid min-h-dvh max-w-md content-center gap-3 p-6">
      <h1 className="text-xl font-semibold">The console cannot start</h1>
      <p className="text-soft">Herald or the log-in service did not answer ({sentence(error)}). Reload the page in a moment; if it stays so, tell your administrator.</p>
      <a className="text-accent underline" href={BASE}>
        Start again
      </a>
    </main>,
  );
});
