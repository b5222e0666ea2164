// What the mock worker says, byte for byte. The load generator includes the same file and so can check every byte of an answer.
#pragma once
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>

namespace payload {

// Microseconds of CLOCK_MONOTONIC: one clock for both programs, which run on the same machine.
inline int64_t now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

// Answer to a request that does not stream: a chat completion of 383 bytes.
inline const std::string json_answer =
    R"({"id":"chatcmpl-0123456789abcdef","object":"chat.completion","created":1700000000,"model":"mock-model",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"The quick brown fox jumps over the lazy dog, )"
    R"(and then it answers the question in one short paragraph."},"logprobs":null,"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":400,"total_tokens":424,"completion_tokens":24}})";

// One event: opening, kStampDigits digits that say when the worker wrote it (now_us), closing.
inline const std::string event_open = R"(data: {"id":")";
inline const std::string event_close =
    R"(","object":"chat.completion.chunk","created":1700000000,"model":"mock-model","choices":[{"index":0,)"
    R"("delta":{"content":" token"},"logprobs":null,"finish_reason":null}]})"
    "\n\n";
inline constexpr size_t kStampDigits = 16;
inline const size_t event_bytes = event_open.size() + kStampDigits + event_close.size();
inline const std::string stream_end = "data: [DONE]\n\n";

// A prompt names its prefix with a tag "PFX-ddd".
inline constexpr int kPrefixes = 64;
inline const std::string prefix_tag = "PFX-";

}  // namespace payload
