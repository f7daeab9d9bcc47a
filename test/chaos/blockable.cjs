/*
 * Required in front of the sidecars of the chaos runs: SIGUSR2 blocks the event loop, past all leases, as a computation without end
 * does. The process goes on to hold its connections and its locks, and does nothing.
 */
process.on("SIGUSR2", () => {
  const end = performance.now() + 4_000;
  while (performance.now() < end);
});
