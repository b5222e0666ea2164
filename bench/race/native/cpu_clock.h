// CPU time of processes and of the machine, in microseconds.
#pragma once
#include <cstdio>
#include <ctime>
#include <unistd.h>
#include <vector>

// User and system time of all threads, ended ones too: what /proc/PID/stat holds as utime + stime, without its rounding to 10 ms.
inline long long cpu_us(const std::vector<int>& processes) {
  long long sum = 0;
  for (int pid : processes) {
    clockid_t clock;
    timespec t;
    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0) sum += t.tv_sec * 1000000LL + t.tv_nsec / 1000;
  }
  return sum;
}

// Time that all cores together were not idle.
inline long long machine_us() {
  long long user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (FILE* f = fopen("/proc/stat", "r")) {
    if (fscanf(f, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal) < 8) user = 0;
    fclose(f);
  }
  return (user + nice + system + irq + softirq + steal) * 1000000 / sysconf(_SC_CLK_TCK);
}
