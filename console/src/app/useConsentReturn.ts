import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

import { outcomeOf } from "../connections/outcomes";
import { useToast } from "../ui/Toasts";

/** Says how a consent ended, once, and takes it out of the address. */
export function useConsentReturn(search: { connectionId?: string; error?: string }): void {
  const toast = useToast();
  const navigate = useNavigate();
  const told = useRef(false);
  const { connectionId, error } = search;
  useEffect(() => {
    const outcome = outcomeOf({ connectionId, error });
    if (told.current || outcome === null) return;
    told.current = true;
    toast(outcome);
    void navigate({ to: ".", search: {}, replace: true });
  }, [connectionId, error, navigate, toast]);
}
