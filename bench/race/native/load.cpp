// Load generator: one thread, edge-triggered epoll. Checks every byte of every answer, and reads the CPU clocks of the processes it
// watches at exactly the ends of the measuring window.
//   load json   closed loop: a connection sends its next request when its answer is complete
//               (--events N: the answers are streams of N events)
//   load sse    one paced stream per connection, all open for the whole window; one that ends early is replaced
//   --port P --conns N --bytes B --seconds S --warmup S --rate R --events N --path /... --pids 1,2 --also 3,4
// Prints one line of JSON; exit 1 if anything was wrong.
#include "cpu_clock.h"
#include "message_reader.h"
#include "payload.h"
#include "prompts.h"
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <netinet/tcp.h>
#include <sstream>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

using payload::now_us;

struct Options {
  bool is_sse = false;
  int port = 0, conns = 64, rate = 50;
  long events = 0;
  size_t bytes = 1500;
  double seconds = 3, warmup = 0.5;
  std::string path = "/v1/chat/completions";
  std::vector<int> pids, also;
};

// Errors are counted, and the first few kept as text that fits into JSON.
class Errors {
 public:
  void add(const std::string& what) {
    count_++;
    if (first_.size() >= 5) return;
    std::string text;
    for (char c : what.substr(0, 200)) text += c == '"' ? '\'' : c == '\\' ? '/' : c < 32 || c > 126 ? ' ' : c;
    first_.push_back(text);
  }
  long count() const { return count_; }
  std::string json() const {
    std::string list;
    for (const std::string& text : first_) list += (list.empty() ? "\"" : ",\"") + text + "\"";
    return "[" + list + "]";
  }

 private:
  long count_ = 0;
  std::vector<std::string> first_;
};

struct Connection {
  int fd = -1;
  std::string body;
  size_t sent = 0;           // of head and body together
  MessageReader answer;
  std::string pending;       // an event that is not whole yet, a JSON answer, or an error answer
  long events = 0;           // of this answer
  bool saw_end = false;      // [DONE] came
  bool is_good = true;       // no byte was wrong so far
  bool is_busy = false;
  bool is_replacement = false;  // sse: its first stream ended inside the window, this is another
  int64_t started_us = 0;
};

class Load {
 public:
  explicit Load(const Options& o)
      : o_(o),
        stream_events_(o.is_sse ? (long)(o.rate * (o.warmup + o.seconds + 0.4)) : o.events),
        prompts_(o.bytes, stream_events_ > 0, stream_events_ ? stream_events_ : 128, std::random_device{}()),
        connections_(o.conns),
        epoll_(epoll_create1(0)) {
    latencies_.reserve(1 << 21);
    head_ = "POST " + o.path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(o.port) +
            "\r\nAccept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 1.99.1\r\nX-Stainless-Lang: python\r\n"
            "X-Stainless-Runtime: CPython\r\nX-Stainless-Runtime-Version: 3.12.3\r\nAuthorization: Bearer sk-0123456789abcdef0123456789abcdef\r\n"
            "Content-Length: " + std::to_string(prompts_.body_bytes()) + "\r\n\r\n";
  }

  int run() {
    if (!prompts_.all_of_one_size()) return fprintf(stderr, "load: bodies differ in length\n"), 2;
    if (o_.is_sse) open_streams();
    run_for(o_.warmup);

    is_window_open_ = true;
    const int64_t from = now_us();
    const Clocks before = read_clocks();
    run_until(from + (int64_t)(o_.seconds * 1e6));
    const Clocks after = read_clocks();
    const double seconds = (now_us() - from) / 1e6;
    is_window_open_ = false;

    // What is under way comes to its end and is checked too.
    is_stopping_ = true;
    const auto is_open = [](const Connection& c) { return c.is_busy && !c.is_replacement; };
    run_for(10, [&] { return std::none_of(connections_.begin(), connections_.end(), is_open); });
    for (const Connection& c : connections_)
      if (is_open(c)) errors_.add(o_.is_sse ? "a stream did not end" : "no answer within 10 s");
    print(seconds, before, after);
    return errors_.count() ? 1 : 0;
  }

 private:
  struct Clocks { long long watched, workers, self, machine; };
  Clocks read_clocks() const { return {cpu_us(o_.pids), cpu_us(o_.also), cpu_us({getpid()}), machine_us()}; }

  // Over 200 ms, so that a worker does not get them all in one step of its pace.
  void open_streams() {
    for (Connection& c : connections_) {
      send_request(c);
      run_until(now_us() + 200000 / o_.conns);
    }
    run_for(10, [this] { return streams_started_ >= o_.conns; });
    if (streams_started_ < o_.conns)
      errors_.add("only " + std::to_string(streams_started_) + " of " + std::to_string(o_.conns) + " streams started within 10 s");
  }

  void open_socket(Connection& c) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(o_.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (connect(fd, (sockaddr*)&to, sizeof to)) {
      errors_.add(std::string("connect: ") + strerror(errno));
      close(fd);
      return;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event want{};
    want.events = EPOLLIN | EPOLLOUT | EPOLLET;
    want.data.u32 = &c - connections_.data();
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &want);
    c.fd = fd;
  }

  void close_socket(Connection& c) {
    if (c.fd >= 0) close(c.fd);
    c.fd = -1;
    c.is_busy = false;
  }

  void send_request(Connection& c) {
    if (c.fd < 0) open_socket(c);
    if (c.fd < 0) return;
    prompts_.next(c.body);
    c.sent = 0;
    c.answer.reset();
    c.pending.clear();
    c.events = 0;
    c.saw_end = false;
    c.is_good = c.is_busy = true;
    c.started_us = now_us();
    write_some(c);
  }

  void write_some(Connection& c) {
    while (c.is_busy && c.sent < head_.size() + c.body.size()) {
      const size_t of_body = c.sent > head_.size() ? c.sent - head_.size() : 0;
      iovec parts[2];
      int count = 0;
      if (c.sent < head_.size()) parts[count++] = {(void*)(head_.data() + c.sent), head_.size() - c.sent};
      parts[count++] = {(void*)(c.body.data() + of_body), c.body.size() - of_body};
      const ssize_t written = writev(c.fd, parts, count);
      if (written <= 0) return;
      c.sent += written;
    }
  }

  void read_all(Connection& c) {
    static char buffer[1 << 16];
    while (c.fd >= 0) {
      const ssize_t bytes = read(c.fd, buffer, sizeof buffer);
      if (bytes < 0 && errno == EAGAIN) return;
      if (bytes <= 0) {
        if (c.is_busy) errors_.add(std::string("connection closed ") + (c.answer.head().empty() ? "before the answer" : "inside the answer"));
        else reconnects_++;
        return start_over(c);
      }
      if (!c.is_busy) {
        errors_.add("bytes after the answer");
        return start_over(c);
      }
      if (!take(c, buffer, bytes)) return start_over(c);
    }
  }

  // False: the connection is of no use any more.
  bool take(Connection& c, const char* data, size_t bytes) {
    const size_t took = c.answer.feed(data, bytes, [&](const char* p, size_t n) {
      if (stream_events_ && c.answer.head().compare(8, 4, " 200") == 0) check_events(c, p, n);
      else c.pending.append(p, n);
    });
    if (c.answer.is_broken()) {
      errors_.add("bad HTTP: " + std::string(data, std::min<size_t>(bytes, 100)));
      return false;
    }
    if (c.answer.is_done()) {
      if (took < bytes) errors_.add("bytes after the answer");
      finish(c);
    }
    return true;
  }

  void start_over(Connection& c) {
    close_socket(c);
    if (!o_.is_sse && !is_stopping_) send_request(c);
  }

  // Body bytes of a stream: each event must be whole and as the worker wrote it.
  void check_events(Connection& c, const char* data, size_t bytes) {
    using namespace payload;
    if (!c.pending.empty()) {
      c.pending.append(data, bytes);
      data = c.pending.data();
      bytes = c.pending.size();
    }
    const int64_t now = now_us();
    size_t at = 0;
    while (at < bytes && c.is_good) {
      const char* event = data + at;
      if (c.events == stream_events_) {
        if (bytes - at < stream_end.size()) break;
        if (c.saw_end || memcmp(event, stream_end.data(), stream_end.size())) {
          errors_.add("bad end of stream: " + std::string(event, bytes - at));
          c.is_good = false;
          break;
        }
        c.saw_end = true;
        at += stream_end.size();
        continue;
      }
      if (bytes - at < event_bytes) break;
      const char* stamp = event + event_open.size();
      if (memcmp(event, event_open.data(), event_open.size()) || memcmp(stamp + kStampDigits, event_close.data(), event_close.size())) {
        errors_.add("event changed: " + std::string(event, event_bytes));
        c.is_good = false;
        break;
      }
      if (c.events++ == 0) streams_started_++;
      if (is_window_open_) {
        events_++;
        if (o_.is_sse) latencies_.push_back(now - atoll(std::string(stamp, kStampDigits).c_str()));
      }
      at += event_bytes;
    }
    std::string rest(data + at, bytes - at);
    c.pending.swap(rest);
  }

  // The answer is complete: judge it and go on.
  void finish(Connection& c) {
    const int64_t now = now_us();
    const int status = c.answer.head().size() > 12 ? atoi(c.answer.head().c_str() + 9) : 0;
    bool is_right = c.is_good;
    if (status != 200) {
      errors_.add("status " + std::to_string(status) + ": " + c.pending);
      is_right = false;
    } else if (stream_events_) {
      if (c.is_good && (!c.saw_end || c.events != stream_events_ || !c.pending.empty())) {
        errors_.add("stream ended early: " + std::to_string(c.events) + " of " + std::to_string(stream_events_) + " events, [DONE] " + (c.saw_end ? "yes" : "no"));
        is_right = false;
      }
    } else if (c.pending != payload::json_answer) {
      errors_.add("answer changed (" + std::to_string(c.pending.size()) + " of " + std::to_string(payload::json_answer.size()) + " bytes): " + c.pending);
      is_right = false;
    }
    if (is_right && is_window_open_) {
      requests_++;
      if (!o_.is_sse) latencies_.push_back(now - c.started_us);
    }
    c.is_busy = false;
    const char* connection = c.answer.field("connection");
    if (connection && !strncasecmp(connection, "close", 5)) {
      close_socket(c);
      reconnects_++;
    }
    if (is_stopping_) return;
    if (o_.is_sse) {
      replaced_++;
      c.is_replacement = true;
    }
    send_request(c);
  }

  void run_for(double seconds, const std::function<bool()>& enough = nullptr) { run_until(now_us() + (int64_t)(seconds * 1e6), enough); }

  void run_until(int64_t until, const std::function<bool()>& enough = nullptr) {
    epoll_event ready[256];
    for (int64_t now = now_us(); now < until && !(enough && enough()); now = now_us()) {
      const int count = epoll_wait(epoll_, ready, 256, std::max<int64_t>(1, std::min<int64_t>(50, (until - now) / 1000)));
      for (int i = 0; i < count; i++) {
        Connection& c = connections_[ready[i].data.u32];
        if (c.fd >= 0 && (ready[i].events & EPOLLOUT)) write_some(c);
        if (c.fd >= 0 && (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) read_all(c);
      }
      if (!o_.is_sse && !is_stopping_)
        for (Connection& c : connections_)
          if (!c.is_busy && now_us() < until) send_request(c);
    }
  }

  void print(double seconds, const Clocks& before, const Clocks& after) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [this](double share) {
      return latencies_.empty() ? 0.0 : (double)latencies_[std::min(latencies_.size() - 1, (size_t)(share * latencies_.size()))];
    };
    const long units = stream_events_ ? events_ : requests_;
    if (!units) errors_.add("nothing came through in the measuring window");
    const long long cpu = after.watched - before.watched;
    printf("{\"seconds\":%.3f,\"requests\":%ld,\"events\":%ld,\"units\":%ld,\"per_s\":%.1f,\"cpu_us\":%lld,\"cpu_us_per_unit\":%.3f,"
           "\"p50_us\":%.0f,\"p99_us\":%.0f,\"cpu_workers_us\":%lld,\"cpu_load_us\":%lld,\"cpu_machine_us\":%lld,\"reconnects\":%ld,"
           "\"replaced\":%ld,\"expected_events\":%.0f,\"errors\":%ld,\"first_errors\":%s}\n",
           seconds, requests_, events_, units, units / seconds, cpu, units ? (double)cpu / units : 0.0, at(0.5), at(0.99), after.workers - before.workers,
           after.self - before.self, after.machine - before.machine, reconnects_, replaced_, o_.is_sse ? o_.conns * o_.rate * seconds : 0.0,
           errors_.count(), errors_.json().c_str());
  }

  const Options o_;
  const long stream_events_;  // events of each answer; 0: answers are JSON
  Prompts prompts_;
  std::string head_;
  std::vector<Connection> connections_;
  const int epoll_;
  Errors errors_;
  std::vector<float> latencies_;  // us: of a request, or from the worker's write of an event to the read here
  bool is_window_open_ = false, is_stopping_ = false;
  long requests_ = 0, events_ = 0, streams_started_ = 0, reconnects_ = 0, replaced_ = 0;
};

static std::vector<int> parse_list(const std::string& text) {
  std::vector<int> list;
  std::stringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');)
    if (!part.empty()) list.push_back(atoi(part.c_str()));
  return list;
}

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2 || argc % 2) return fprintf(stderr, "usage: load json|sse --port P [--OPTION VALUE ...]\n"), 2;
  Options o;
  o.is_sse = !strcmp(argv[1], "sse");
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port") o.port = atoi(value);
    else if (name == "--conns") o.conns = atoi(value);
    else if (name == "--bytes") o.bytes = atol(value);
    else if (name == "--seconds") o.seconds = atof(value);
    else if (name == "--warmup") o.warmup = atof(value);
    else if (name == "--rate") o.rate = atoi(value);
    else if (name == "--events") o.events = atol(value);
    else if (name == "--path") o.path = value;
    else if (name == "--pids") o.pids = parse_list(value);
    else if (name == "--also") o.also = parse_list(value);
    else return fprintf(stderr, "load: unknown option %s\n", name.c_str()), 2;
  }
  return std::make_unique<Load>(o)->run();
}
