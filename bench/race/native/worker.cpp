// Mock worker: one thread, epoll; as cheap as it can be, so that the proxies are what is measured.
//   worker PORT [plain|prefill|decode]      port 0: any free one; prints its port
// POST anything   a JSON answer, or a stream of "max_tokens" events (default 50) when the body holds "stream":true;
//                 a prefill worker ends a stream after one event
// GET /health, /get_server_info, /v1/models and others: what routers ask when they register a worker
// GET /mock       counters as JSON; with rate= and phases= sets the pace first (events per second and stream, 0: no pace; streams are
//                 spread over that many points of a step, 1: all of them fire at once); with reset=1 clears afterwards
#include "message_reader.h"
#include "payload.h"
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

struct Connection {
  int fd = -1;
  uint64_t id = 0;  // descriptors are used again, ids are not
  MessageReader request;
  std::string body, out;
  size_t written = 0;
  bool waits_for_room = false;
  long events_left = 0;
};

class Worker {
 public:
  Worker(std::string role, int listener) : role_(std::move(role)), listener_(listener), epoll_(epoll_create1(0)), timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) {
    watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
    watch(timer_, EPOLL_CTL_ADD, EPOLLIN);
    set_pace(50, 20);
  }

  [[noreturn]] void run() {
    epoll_event ready[512];
    for (;;) {
      const int count = epoll_wait(epoll_, ready, 512, -1);
      for (int i = 0; i < count; i++) {
        const int fd = ready[i].data.fd;
        if (fd == listener_) accept_all();
        else if (fd == timer_) on_timer();
        else on_socket(fd, ready[i].events);
      }
    }
  }

 private:
  struct Counters { uint64_t posts = 0, streams = 0, events = 0, body_bytes = 0, aborted = 0, connections = 0; };

  void watch(int fd, int operation, uint32_t events) {
    epoll_event want{};
    want.events = events;
    want.data.fd = fd;
    epoll_ctl(epoll_, operation, fd, &want);
  }

  // A step of 1/rate seconds is cut into phases; each stream belongs to one phase and gets one event per step.
  void set_pace(int rate, int phases) {
    rate_ = rate;
    phases_.resize(phases < 1 ? 1 : phases);
    itimerspec period{};
    if (rate) {
      const long ns = 1000000000L / rate / (long)phases_.size();
      period.it_interval = {ns / 1000000000L, ns % 1000000000L};
      period.it_value = period.it_interval;
    }
    timerfd_settime(timer_, 0, &period, nullptr);
  }

  void accept_all() {
    const int on = 1;
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd, EPOLL_CTL_ADD, EPOLLIN);
      auto c = std::make_unique<Connection>();
      c->fd = fd;
      c->id = next_id_++;
      connections_[fd] = std::move(c);
      counters_.connections++;
    }
  }

  void on_timer() {
    uint64_t ticks = 0;
    if (read(timer_, &ticks, sizeof ticks) != sizeof ticks) return;
    for (; ticks; ticks--) {
      auto& streams = phases_[tick_++ % phases_.size()];
      size_t kept = 0;
      for (const auto& [fd, id] : streams) {
        const auto found = connections_.find(fd);
        if (found == connections_.end() || found->second->id != id) continue;  // its client is gone
        Connection& c = *found->second;
        add_event(c);
        if (--c.events_left > 0) streams[kept++] = {fd, id};
        else add_stream_end(c);
        write_some(c);
      }
      streams.resize(kept);
    }
  }

  void on_socket(int fd, uint32_t events) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    Connection& c = *found->second;
    if (events & EPOLLOUT) write_some(c);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !read_all(c)) {
      close(fd);
      connections_.erase(found);
    }
  }

  // False: close it.
  bool read_all(Connection& c) {
    static char buffer[1 << 18];
    for (;;) {
      const ssize_t bytes = read(c.fd, buffer, sizeof buffer);
      if (bytes < 0) return errno == EAGAIN;
      if (bytes == 0) {
        if (c.events_left > 0) counters_.aborted++;
        return false;
      }
      for (size_t at = 0; at < (size_t)bytes;) {
        at += c.request.feed(buffer + at, bytes - at, [&](const char* p, size_t n) { c.body.append(p, n); });
        if (c.request.is_broken()) return false;
        if (!c.request.is_done()) break;
        respond(c);
        c.request.reset();
        c.body.clear();
      }
      if (!c.out.empty() && !c.waits_for_room) write_some(c);
      if (bytes < (ssize_t)sizeof buffer) return true;
    }
  }

  void write_some(Connection& c) {
    while (c.written < c.out.size()) {
      const ssize_t bytes = write(c.fd, c.out.data() + c.written, c.out.size() - c.written);
      if (bytes <= 0) return wait_for_room(c, true);
      c.written += bytes;
    }
    c.out.clear();
    c.written = 0;
    wait_for_room(c, false);
  }

  void wait_for_room(Connection& c, bool wait) {
    if (c.waits_for_room == wait) return;
    c.waits_for_room = wait;
    watch(c.fd, EPOLL_CTL_MOD, wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  static void answer(Connection& c, const std::string& body, const char* type = "application/json", const char* status = "200 OK") {
    c.out += std::string("HTTP/1.1 ") + status + "\r\ncontent-type: " + type + "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void add_event(Connection& c) {
    char text[32];
    c.out.append(text, snprintf(text, sizeof text, "%zx\r\n", payload::event_bytes));
    c.out += payload::event_open;
    c.out.append(text, snprintf(text, sizeof text, "%0*lld", (int)payload::kStampDigits, (long long)payload::now_us()));
    c.out += payload::event_close;
    c.out += "\r\n";
    counters_.events++;
  }

  static void add_stream_end(Connection& c) {
    char size[16];
    c.out.append(size, snprintf(size, sizeof size, "%zx\r\n", payload::stream_end.size()));
    c.out += payload::stream_end + "\r\n0\r\n\r\n";
  }

  void respond(Connection& c) {
    const std::string& head = c.request.head();
    const size_t space = head.find(' '), end = head.find(' ', space + 1);
    const std::string target = head.substr(space + 1, end - space - 1);
    if (head.compare(0, 4, "POST") == 0) respond_post(c);
    else respond_get(c, target.substr(0, target.find('?')), target.find('?') == std::string::npos ? "" : target.substr(target.find('?')));
  }

  // The text after a key in a body: looked for near the start, near the end, and only then everywhere. Null if it is not there.
  static const char* after(const std::string& body, const std::string& key) {
    const size_t near = 4096;
    const auto in = [&](size_t from, size_t to) { return (const char*)memmem(body.data() + from, to - from, key.data(), key.size()); };
    const char* found = in(0, std::min(near, body.size()));
    if (!found && body.size() > near) found = in(body.size() - near, body.size());
    if (!found && body.size() > near) found = in(0, body.size());
    return found ? found + key.size() : nullptr;
  }

  void respond_post(Connection& c) {
    counters_.posts++;
    counters_.body_bytes += c.body.size();
    if (const char* tag = after(c.body, payload::prefix_tag))
      if (tag + 3 <= c.body.data() + c.body.size()) prefixes_[std::string(tag, 3)]++;
    const char* stream = after(c.body, "\"stream\":");
    if (stream && *stream == ' ') stream++;
    if (!stream || strncmp(stream, "true", 4)) return answer(c, payload::json_answer);

    counters_.streams++;
    long events = 0;
    for (const char* key : {"\"max_tokens\":", "\"max_completion_tokens\":", "\"max_new_tokens\":"})
      if (const char* number = events ? nullptr : after(c.body, key)) events = atol(number);
    if (!events) events = 50;
    if (role_ == "prefill") events = 1;
    c.out += "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
    if (rate_ && role_ != "prefill") {
      c.events_left = events;
      phases_[next_phase_++ % phases_.size()].push_back({c.fd, c.id});
      return;
    }
    while (events-- > 0) add_event(c);
    add_stream_end(c);
  }

  void respond_get(Connection& c, const std::string& path, const std::string& query) {
    if (path == "/health" || path == "/health_generate" || path == "/liveness" || path == "/readiness" || path == "/ping" || path == "/ready") {
      answer(c, "OK", "text/plain");
    } else if (path == "/get_model_info" || path == "/model_info") {
      answer(c, R"({"model_path":"mock-model","tokenizer_path":"mock-model","is_generation":true,"preferred_sampling_params":null,)"
                R"("weight_version":"default","has_image_understanding":false,"has_audio_understanding":false,"model_type":"llama",)"
                R"("architectures":["LlamaForCausalLM"]})");
    } else if (path == "/get_server_info" || path == "/server_info") {
      answer(c, R"({"model_path":"mock-model","served_model_name":"mock-model","tp_size":1,"dp_size":1,"max_running_requests":512,)"
                R"("max_total_tokens":100000,"context_length":131072,"version":"0.5.6","status":"ready","disaggregation_mode":")" +
                    (role_ == "plain" ? "null" : role_) + R"(","disaggregation_bootstrap_port":8998,"internal_states":[{"last_gen_throughput":1000.0}]})");
    } else if (path == "/v1/models") {
      answer(c, R"({"object":"list","data":[{"id":"mock-model","object":"model","created":1700000000,"owned_by":"sglang","root":"mock-model","max_model_len":131072}]})");
    } else if (path == "/get_load") {
      answer(c, R"([{"dp_rank":0,"num_reqs":1,"num_waiting_reqs":0,"num_tokens":100}])");
    } else if (path == "/v1/loads") {
      answer(c, R"({"timestamp":"2026-01-01T00:00:00","version":"0.5.6","dp_rank_count":1,"loads":[{"dp_rank":0,"num_running_reqs":1,)"
                R"("num_waiting_reqs":0,"num_total_reqs":1,"num_used_tokens":100,"max_total_num_tokens":100000,"token_usage":0.01,)"
                R"("gen_throughput":1000.0,"cache_hit_rate":0.5,"utilization":0.1,"max_running_requests":512}],"aggregate":{)"
                R"("total_running_reqs":1,"total_waiting_reqs":0,"total_reqs":1,"avg_token_usage":0.01,"avg_throughput":1000.0,"avg_utilization":0.1}})");
    } else if (path == "/mock") {
      respond_counters(c, query);
    } else {
      answer(c, R"({"error":"not found"})", "application/json", "404 Not Found");
    }
  }

  void respond_counters(Connection& c, const std::string& query) {
    const auto number = [&](const std::string& name, int otherwise) {
      const size_t at = query.find(name + "=");
      return at == std::string::npos ? otherwise : atoi(query.c_str() + at + name.size() + 1);
    };
    if (query.find("rate=") != std::string::npos) set_pace(number("rate", rate_), number("phases", (int)phases_.size()));
    std::string prefixes;
    for (const auto& [tag, count] : prefixes_) prefixes += (prefixes.empty() ? "\"" : ",\"") + tag + "\":" + std::to_string(count);
    char text[256];
    snprintf(text, sizeof text, R"({"posts":%llu,"streams":%llu,"events":%llu,"body_bytes":%llu,"aborted":%llu,"connections":%llu,"prefixes":{)",
             (unsigned long long)counters_.posts, (unsigned long long)counters_.streams, (unsigned long long)counters_.events,
             (unsigned long long)counters_.body_bytes, (unsigned long long)counters_.aborted, (unsigned long long)counters_.connections);
    answer(c, text + prefixes + "}}");
    if (number("reset", 0)) {
      counters_ = Counters();
      prefixes_.clear();
    }
  }

  const std::string role_;
  const int listener_, epoll_, timer_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  uint64_t next_id_ = 1;
  int rate_ = 50;
  std::vector<std::vector<std::pair<int, uint64_t>>> phases_;  // running streams (descriptor, id) by phase
  size_t next_phase_ = 0, tick_ = 0;
  Counters counters_;
  std::map<std::string, uint64_t> prefixes_;  // requests by prefix tag
};

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) return fprintf(stderr, "usage: worker PORT [plain|prefill|decode]\n"), 2;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(atoi(argv[1]));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (sockaddr*)&at, size) || listen(listener, 4096) || getsockname(listener, (sockaddr*)&at, &size)) return perror("worker"), 1;
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  Worker(argc > 2 ? argv[2] : "plain", listener).run();
}
