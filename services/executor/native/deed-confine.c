/*
 * deed-confine: runs one command that may touch nothing of the host but what it is given. For hosts on which nobody may
 * make namespaces, as in a restricted Pod. It needs no right of its own.
 *
 *   deed-confine --abi
 *   deed-confine --workspace DIR [--user UID:GID] [--hide NAME] [--keep NAME] [--read PATH] [--write PATH] [--env FD] --seccomp FD -- PROGRAM ARG...
 *
 * What confines is Landlock for files and signals, and a filter of system calls, which leaves no socket at all. The root
 * of the workspace can be listed; what lies in it can be written to, but for paths to `--keep` (read only) and to `--hide`.
 * Each folder above such a path can be listed alone, too.
 *
 * The first process stays outside as the reaper: whatever the command leaves behind becomes its child, and is ended with
 * it; so it is when the executor is gone. What happens is written to descriptor 3, a JSON object a line, as bubblewrap does.
 *
 * Build: cc -O2 -Wall -Wextra -static -o deed-confine deed-confine.c
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES_MAX = 4096, SECRET_BYTES_MAX = 1 << 20, STATUS_FD = 3 };

/* Numbers and not names, so that it builds with the headers of an older kernel than it runs on. */
#define READ_ACCESS ((1ULL << 0) | (1ULL << 2) | (1ULL << 3)) /* execute, read a file, list a folder */
#define LIST_ACCESS (1ULL << 3)
#define FILE_ACCESS ((1ULL << 0) | (1ULL << 1) | (1ULL << 2) | (1ULL << 14)) /* what a file can have */

struct ruleset {
  uint64_t files, network, scoped;
};

static uint64_t all_access(int abi) {
  uint64_t access = (1ULL << 13) - 1;
  if (abi >= 2) access |= 1ULL << 13; /* moving to another folder */
  if (abi >= 3) access |= 1ULL << 14; /* cutting off */
  if (abi >= 5) access |= 1ULL << 15; /* commands to devices */
  return access;
}

static void fail(const char *what) {
  dprintf(2, "deed-confine: %s: %s\n", what, strerror(errno));
  _exit(125);
}

static int landlock_abi(void) { return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1U); }

static void allow_opened(int ruleset, int fd, uint64_t access) {
  struct stat stat;
  if (fstat(fd, &stat) != 0) fail("fstat");
  /* A link would lead to wherever it points. */
  if (S_ISLNK(stat.st_mode)) return;
  if (!S_ISDIR(stat.st_mode)) access &= FILE_ACCESS;
  struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
  if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) fail("landlock_add_rule");
}

static void allow_path(int ruleset, const char *path, uint64_t access) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return;
  if (fd < 0) fail(path);
  allow_opened(ruleset, fd, access);
  close(fd);
}

static int among(char *const *names, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcasecmp(names[i], name) == 0) return 1;
  return 0;
}

static int above(char *const *paths, int count, const char *path) {
  size_t length = strlen(path);
  for (int i = 0; i < count; i++)
    if (strncasecmp(paths[i], path, length) == 0 && paths[i][length] == '/') return 1;
  return 0;
}

struct workspace {
  uint64_t all;
  char *hidden[NAMES_MAX], *kept[NAMES_MAX];
  int hidden_count, kept_count;
};

/* `below` is the path of the folder in the workspace, with a slash at its end where it is not the root. */
static void allow_folder(int ruleset, int root, const char *below, const struct workspace *given) {
  allow_opened(ruleset, root, LIST_ACCESS);
  DIR *folder = fdopendir(dup(root));
  if (!folder) fail(below);
  for (struct dirent *entry; (entry = readdir(folder));) {
    const char *name = entry->d_name;
    char path[4096];
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    if (snprintf(path, sizeof path, "%s%s", below, name) >= (int)sizeof path - 1) continue;
    if (among(given->hidden, given->hidden_count, path)) continue;
    int goes_on = above(given->hidden, given->hidden_count, path) || above(given->kept, given->kept_count, path);
    int inner = goes_on ? openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (inner >= 0) {
      strcat(path, "/");
      allow_folder(ruleset, inner, path, given);
      close(inner);
      continue;
    }
    int fd = openat(root, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) continue; /* gone in the meantime */
    allow_opened(ruleset, fd, among(given->kept, given->kept_count, path) ? READ_ACCESS : given->all);
    close(fd);
  }
  closedir(folder);
}

static void allow_workspace(int ruleset, const char *path, const struct workspace *given) {
  int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) fail(path);
  allow_folder(ruleset, root, "", given);
  close(root);
}

static void take_secrets(int fd) {
  char *text = malloc(SECRET_BYTES_MAX + 1);
  size_t length = 0;
  for (ssize_t got; text && (got = read(fd, text + length, SECRET_BYTES_MAX - length)) > 0;) length += (size_t)got;
  if (!text) fail("secrets");
  text[length] = 0;
  /* NAME=VALUE, each ended by a zero. The strings stay part of the environment. */
  for (size_t at = 0; at < length; at += strlen(text + at) + 1) putenv(text + at);
  close(fd);
}

static void filter_calls(int fd) {
  static struct sock_filter program[4096];
  ssize_t bytes = read(fd, program, sizeof program);
  if (bytes <= 0 || bytes % (ssize_t)sizeof *program != 0) fail("the filter of system calls");
  struct sock_fprog filter = {.len = (unsigned short)(bytes / (ssize_t)sizeof *program), .filter = program};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) fail("seccomp");
}

static void become(const char *user) {
  unsigned uid, gid;
  errno = EINVAL;
  if (sscanf(user, "%u:%u", &uid, &gid) != 2) fail("--user");
  if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) fail("--user");
}

static void drop_rights(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  if (syscall(SYS_capset, &header, none) != 0) fail("capset");
}

static volatile sig_atomic_t stopped;
static void on_signal(int signal) {
  if (signal == SIGTERM) stopped = 1;
}

/* Until there is none: each that is ended leaves its own children to this process. */
static void end_all(void) {
  char path[64], text[65536];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  for (;;) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t bytes = read(fd, text, sizeof text - 1);
    close(fd);
    text[bytes > 0 ? bytes : 0] = 0;
    char *rest = text;
    for (char *pid; (pid = strtok_r(rest, " ", &rest));)
      if (atoi(pid) > 0) kill(atoi(pid), SIGKILL);
    if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) return;
  }
}

int main(int argc, char **argv) {
  int abi = landlock_abi();
  if (argc == 2 && strcmp(argv[1], "--abi") == 0) {
    printf("%d\n", abi);
    return abi > 0 ? 0 : 1;
  }
  if (abi < 3) fail("Landlock is missing or too old");
  struct ruleset attributes = {.files = all_access(abi), .network = abi >= 4 ? 3 : 0, .scoped = abi >= 6 ? 3 : 0};
  size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  if (ruleset < 0) fail("landlock_create_ruleset");

  const char *workspace = NULL, *user = NULL;
  static struct workspace given;
  given.all = attributes.files;
  int secrets = -1, filter = -1, at = 1;
  for (; at + 1 < argc && strcmp(argv[at], "--") != 0; at += 2) {
    const char *option = argv[at];
    char *value = argv[at + 1];
    if (strcmp(option, "--workspace") == 0) workspace = value;
    else if (strcmp(option, "--user") == 0) user = value;
    else if (strcmp(option, "--hide") == 0 && given.hidden_count < NAMES_MAX) given.hidden[given.hidden_count++] = value;
    else if (strcmp(option, "--keep") == 0 && given.kept_count < NAMES_MAX) given.kept[given.kept_count++] = value;
    else if (strcmp(option, "--read") == 0) allow_path(ruleset, value, READ_ACCESS & attributes.files);
    else if (strcmp(option, "--write") == 0) allow_path(ruleset, value, attributes.files);
    else if (strcmp(option, "--env") == 0) secrets = atoi(value);
    else if (strcmp(option, "--seccomp") == 0) filter = atoi(value);
    else errno = EINVAL, fail(option);
  }
  errno = EINVAL;
  if (at + 1 >= argc || !workspace || filter < 0) fail("--workspace, --seccomp and a program are needed");
  allow_workspace(ruleset, workspace, &given);
  if (secrets >= 0) take_secrets(secrets);

  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGCHLD, &action, NULL);
  pid_t parent = getppid();
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail("prctl");
  if (getppid() != parent) return 125;
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGCHLD);
  sigprocmask(SIG_BLOCK, &stop, &before);

  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (user) become(user);
    drop_rights();
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) fail("landlock_restrict_self");
    filter_calls(filter);
    syscall(SYS_close_range, 3, ~0U, 0);
    execv(argv[at + 1], argv + at + 1);
    fail(argv[at + 1]);
  }
  dprintf(STATUS_FD, "{ \"child-pid\": %d }\n", (int)child);

  int status = 0;
  for (pid_t ended = 0; !stopped && ended != child;) {
    ended = waitpid(-1, &status, WNOHANG);
    if (ended == 0) sigsuspend(&before);
  }
  end_all();
  int code = stopped ? 128 + SIGTERM : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  dprintf(STATUS_FD, "{ \"exit-code\": %d }\n", code);
  return code;
}
