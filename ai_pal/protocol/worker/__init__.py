"""The conversation between the supervisor and one model worker: orders one way, reports the other."""

import msgspec

from ai_pal.protocol.worker.orders import *
from ai_pal.protocol.worker.reports import *

AnyToWorker = (
    LoadModel | Prepare | Generate | CompleteText | EmbedTexts | RerankTexts | CountTokens | CancelGeneration
)

AnyFromWorker = (
    WorkerHello
    | LoadProgress
    | Ready
    | LoadFailed
    | Beat
    | Deltas
    | Probabilities
    | Watched
    | Probed
    | Trimmed
    | Embedded
    | Reranked
    | Counted
    | Reading
    | GenerationDone
    | GenerationCancelled
    | GenerationFailed
)

encode = msgspec.msgpack.Encoder().encode
decode_to_worker = msgspec.msgpack.Decoder(AnyToWorker).decode
decode_from_worker = msgspec.msgpack.Decoder(AnyFromWorker).decode
