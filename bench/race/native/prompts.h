// Chat request bodies of one exact size. 64 conversations share 70 % of their bytes with every request of their kind; the rest
// is new each time, so that a router which follows prefixes has something to find, and something to miss.
#pragma once
#include "payload.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

class Prompts {
 public:
  Prompts(size_t body_bytes, bool stream, long max_tokens, uint64_t seed) : seeded_(seed) {
    std::mt19937_64 fixed(7);  // the same conversations in every run and every process
    pool_ = words(fixed, kCells * kCellBytes);
    pool_ += pool_;
    for (int k = 0; k < payload::kPrefixes; k++) bodies_.push_back(conversation(fixed, k, body_bytes, stream, max_tokens));
  }

  size_t body_bytes() const { return bodies_[0].size(); }

  bool all_of_one_size() const {
    return std::all_of(bodies_.begin(), bodies_.end(), [this](const std::string& b) { return b.size() == body_bytes(); });
  }

  // Some conversation with a tail that was not sent before.
  void next(std::string& body) {
    body = bodies_[seeded_() % bodies_.size()];
    char nonce[17];
    snprintf(nonce, sizeof nonce, "%016llx", (unsigned long long)seeded_());
    memcpy(&body[tail_at_], nonce, 16);
    memcpy(&body[tail_at_ + 16], &pool_[cell(seeded_)], (tail_bytes_ - 16) / kCellBytes * kCellBytes);
  }

 private:
  static constexpr size_t kCells = 1 << 15, kCellBytes = 32, kTurnBytes = 1200, kLeastTail = 48;

  // Contents of a JSON string in cells of 32 bytes that can be joined in any order: no escape or character spans two cells.
  static std::string words(std::mt19937_64& random, size_t bytes) {
    static const char* const list[] = {"token ", "the ", "router ", "answer ", "which ", "prefill ", "of ", "caf\xc3\xa9 ",
                                       "\xe6\xa8\xa1\xe5\x9e\x8b ", "\\n", "\\\"ok\\\" ", "return x; ", "a ", "benchmark, ", "42 ", "with "};
    std::string text;
    while (text.size() + kCellBytes <= bytes) {
      const size_t end = text.size() + kCellBytes;
      for (const char* word = list[random() % 16]; text.size() + strlen(word) <= end; word = list[random() % 16]) text += word;
      text.resize(end, 'x');
    }
    text.resize(bytes, 'y');
    return text;
  }

  static size_t cell(std::mt19937_64& random) { return random() % kCells * kCellBytes; }

  std::string from_pool(std::mt19937_64& random, size_t bytes) const {
    std::string text;
    while (text.size() + kCellBytes <= bytes)
      text.append(pool_, cell(random), std::min<size_t>((bytes - text.size()) / kCellBytes * kCellBytes, kCells * kCellBytes / 2));
    text.resize(bytes, 'y');
    return text;
  }

  std::string conversation(std::mt19937_64& random, int k, size_t bytes, bool stream, long max_tokens) {
    const std::string user = R"({"role":"user","content":")", assistant = R"({"role":"assistant","content":")", close = "\"}", end = "\"}]}";
    const size_t shared = bytes * 7 / 10;
    char tag[16];
    snprintf(tag, sizeof tag, "%s%03d ", payload::prefix_tag.c_str(), k);
    std::string body = std::string(R"({"model":"mock-model","stream":)") + (stream ? "true" : "false") + R"(,"max_tokens":)" + std::to_string(max_tokens) +
                       R"(,"temperature":0.7,"messages":[{"role":"system","content":")" + tag;
    body += from_pool(random, std::min(kTurnBytes, shared > body.size() + 64 ? shared - body.size() - 64 : 32)) + close;
    for (int turn = 0; body.size() + kTurnBytes + 100 < shared; turn++)
      body += "," + (turn % 2 ? assistant : user) + from_pool(random, kTurnBytes) + close;
    body += "," + user;
    tail_at_ = body.size();
    tail_bytes_ = bytes > body.size() + end.size() + kLeastTail ? bytes - body.size() - end.size() : kLeastTail;
    return body + std::string(tail_bytes_, 'z') + end;
  }

  std::mt19937_64 seeded_;
  std::string pool_;
  std::vector<std::string> bodies_;
  size_t tail_at_ = 0, tail_bytes_ = 0;
};
