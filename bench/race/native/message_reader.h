// Reads one HTTP/1.1 message, request or answer, from pieces of any size: its head, then its body by length or chunks.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <strings.h>

class MessageReader {
 public:
  const std::string& head() const { return head_; }
  bool is_done() const { return state_ == State::done; }
  bool is_broken() const { return state_ == State::broken; }
  void reset() { *this = MessageReader(); }

  // Start of a field's value (it ends at CR), or null.
  const char* field(const char* name) const {
    const size_t length = strlen(name);
    for (size_t eol = head_.find("\r\n"); eol != std::string::npos; eol = head_.find("\r\n", eol + 2)) {
      const char* line = head_.c_str() + eol + 2;
      if (strncasecmp(line, name, length) || line[length] != ':') continue;
      const char* value = line + length + 1;
      while (*value == ' ') value++;
      return value;
    }
    return nullptr;
  }

  // Takes bytes until the message is done or broken, hands on body bytes as on_body(data, bytes), and returns how many it took.
  template <class OnBody>
  size_t feed(const char* data, size_t bytes, OnBody on_body) {
    size_t at = 0;
    while (at < bytes && state_ != State::done && state_ != State::broken) {
      switch (state_) {
        case State::head:
          at += take_head(data + at, bytes - at);
          break;
        case State::counted:
        case State::chunk: {
          const size_t take = left_ < bytes - at ? left_ : bytes - at;
          on_body(data + at, take);
          at += take;
          left_ -= take;
          if (!left_) state_ = state_ == State::counted ? State::done : State::chunk_end;
          break;
        }
        case State::chunk_end:
          if (data[at++] == '\n') state_ = State::chunk_size;
          break;
        case State::chunk_size:
          take_size(data[at++]);
          break;
        case State::trailer: {
          const char c = data[at++];
          if (c == '\n') {
            if (!trailer_bytes_) state_ = State::done;
            trailer_bytes_ = 0;
          } else if (c != '\r') {
            trailer_bytes_++;
          }
          break;
        }
        default:
          break;
      }
    }
    return at;
  }

 private:
  enum class State { head, counted, chunk_size, chunk, chunk_end, trailer, done, broken };
  static constexpr size_t kMaxHead = 65536;

  size_t take_head(const char* data, size_t bytes) {
    const size_t had = head_.size();
    head_.append(data, bytes);
    const size_t end = head_.find("\r\n\r\n", had < 3 ? 0 : had - 3);
    if (end == std::string::npos) {
      if (head_.size() > kMaxHead) state_ = State::broken;
      return bytes;
    }
    head_.resize(end + 4);
    const char* coding = field("transfer-encoding");
    const char* length = field("content-length");
    if (coding && !strncasecmp(coding, "chunked", 7)) {
      state_ = State::chunk_size;
    } else {
      left_ = length ? strtoull(length, nullptr, 10) : 0;
      state_ = left_ ? State::counted : State::done;
    }
    return head_.size() - had;
  }

  void take_size(char c) {
    if (c == '\n') {
      state_ = left_ ? State::chunk : State::trailer;
      in_extension_ = false;
    } else if (c == ';') {
      in_extension_ = true;
    } else if (c != '\r' && !in_extension_) {
      const char lower = c | 0x20;
      if (c >= '0' && c <= '9') left_ = left_ * 16 + (c - '0');
      else if (lower >= 'a' && lower <= 'f') left_ = left_ * 16 + (lower - 'a' + 10);
      else state_ = State::broken;
    }
  }

  State state_ = State::head;
  std::string head_;
  size_t left_ = 0;
  size_t trailer_bytes_ = 0;
  bool in_extension_ = false;
};
