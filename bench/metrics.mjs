/** What the bench measures: how a figure is headed and printed. `compared`: whether a ratio of two rivals means something. */
export const metrics = {
  perSecond: { title: "events/s", digits: 0, compared: true },
  cpuMicroseconds: { title: "CPU µs/event", digits: 0, compared: true },
  p50: { title: "p50 ms", digits: 2, compared: true },
  p99: { title: "p99 ms", digits: 2, compared: true },
  p999: { title: "p99.9 ms", digits: 2, compared: true },
  owedBytes: { title: "Redis bytes per owed event", digits: 1, compared: false },
  ledgerBytes: { title: "Redis bytes per kept event", digits: 0, compared: false },
  corePercent: { title: "% of a core", digits: 2, compared: false },
  redisCorePercent: { title: "its Redis, % of a core", digits: 2, compared: false },
  busMegabytes: { title: "bus MB", digits: 0, compared: false },
  clientMegabytes: { title: "client MB", digits: 0, compared: false },
  redisMegabytes: { title: "Redis MB", digits: 0, compared: false },
  busGrowth: { title: "bus, last quarter to second", digits: 2, compared: false },
  clientGrowth: { title: "client, last quarter to second", digits: 2, compared: false },
};
