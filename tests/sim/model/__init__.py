"""The world of the simulator: time and chance, broker, network, clients, disk, clock.

Everything is one thread and one seed. What stands for what:

| Here | There |
|---|---|
| `scheduler.World`, `Process`, `Answer` | the machine room: time, tasks, kill, freeze, futures |
| `broker.Broker` (`log`, `transactions`, `groups`) | a Kafka broker, as 4.2.1 and 4.3.1 behave |
| `network.Network` | everything between clients and broker, with its faults |
| `clients.SimClients` (`fetch`, `member`, `sending`, `producer`) | `KafkaClients` on librdkafka |
| `disk.Folder`, `SimDisk` | a data folder and RocksDB |
| `clock.Machine`, `MachineClock`, `SimBackground`, `SimExit` | `streams.engine.process` |

`small.SmallWorld` shows how a worker is put together: the real engine, with a job of ten lines. The
laws of the model are in the modules' docstrings; what they say was observed is held, on the model
and on the real thing alike, by tests/sim/contract.

Every call through a port is a pause, at which anything else may happen and the process may die.
The pauses' names, for failpoints (`World.on_pause`):

- group consumer: subscribe, poll, consume, membership, pause, resume, seek, incremental_assign,
  incremental_unassign, consumer close, left the group; reader: assign, reader close;
- producer: "produce TOPIC" (one in sixteen), begin_transaction, send_offsets_to_transaction,
  commit_transaction, commit answered, abort_transaction, abort answered, flush, producer poll,
  is_disturbed, producer close, "REQUEST again" (markers of the last transaction are awaited);
- look-ups: Metadata, OffsetFetch, offsets are unstable, ListOffsets, DescribeConfigs, look-ups
  close;
- disk: disk lock, "open NAME", "remove NAME", "removed NAME, still marked", "write NAME",
  "written NAME", "scan NAME", "close NAME", disk close.

Inside a call, each wait for an answer of the broker is a further place where other things happen.
"""
