import { useEffect, useState } from "react";

import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { BASE } from "./config";
import type { Login } from "./session";

/** The session ended while someone worked: the page stays as it is until they choose to log in again. */
export function SessionOver({ over, login }: { over: EventTarget; login: Login }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const show = () => setShown(true);
    over.addEventListener("over", show);
    return () => over.removeEventListener("over", show);
  }, [over]);
  if (!shown) return null;
  const again = () => {
    const { pathname, search } = window.location;
    void login.begin(`${pathname}${search}`.slice(BASE.length) || "/");
  };
  return (
    <Dialog title="Your session is over" onClose={() => setShown(false)} actions={<Button look="primary" onClick={again}>Log in again</Button>}>
      <p className="text-soft">Log in again to go on. What you wrote is kept in this browser and will be here when you are back.</p>
    </Dialog>
  );
}
