import type { QueryClient } from "@tanstack/react-query";

import type { Herald } from "../connections/api";
import type { Login, Session } from "./session";

export interface AppContext {
  herald: Herald;
  session: Session;
  login: Login;
  queries: QueryClient;
  version: string;
}
