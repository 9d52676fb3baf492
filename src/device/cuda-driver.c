/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Finds CUDA's driver at run time and says in words what is wrong with it.
 *
 * One binary has to start on every machine, so libcuda.so.1 is opened when a device is asked for,
 * and each entry point is looked up under the exact name of the binary interface that
 * cuda-driver.h declares. One table below turns the driver's codes into errno and into a line that
 * says what to do; the raw code and its name go to the debug log.
 *
 * The management library (libnvidia-ml.so.1) is a convenience: it tells free memory without a
 * context, which would cost 100 ms and several hundred MB of device memory a device.
 */
#include "device/cuda-driver.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why opening the driver failed, where RESULT alone does not say it. */
static const char no_library[] =
	"no NVIDIA driver: libcuda.so.1 can't be opened (%s); install the driver, or use another "
	"device";

struct error_meaning {
	cuda_result result;
	int err;
	const char *advice; /* NULL: the driver's own words will do */
};

/* Everything that is not here is EIO. */
static const struct error_meaning error_meanings[] = {
	{CUDA_SUCCESS, 0, NULL},
	{CUDA_ERROR_INVALID_VALUE, EINVAL, NULL},
	{CUDA_ERROR_OUT_OF_MEMORY, ENOMEM,
		"not enough free device memory; end other programs that use the GPU (nvidia-smi lists "
		"them)"},
	{CUDA_ERROR_NOT_INITIALIZED, EIO,
		"the driver is not initialised; a process must not fork after it has used the GPU"},
	{CUDA_ERROR_STUB_LIBRARY, ENODEV,
		"libcuda.so.1 is the CUDA toolkit's stub, not a driver; install the NVIDIA driver, or "
		"take the stubs folder out of LD_LIBRARY_PATH"},
	{CUDA_ERROR_DEVICE_UNAVAILABLE, EBUSY,
		"in use by another process while in exclusive mode; end that process, or run "
		"'nvidia-smi -c DEFAULT' as root"},
	{CUDA_ERROR_NO_DEVICE, ENODEV, "the NVIDIA driver finds no GPU; see 'nvidia-smi'"},
	{CUDA_ERROR_INVALID_DEVICE, ENODEV, "no such GPU; 'vramfs devices' lists them"},
	{CUDA_ERROR_NO_BINARY_FOR_GPU, EIO,
		"the GPU is older than the kernels can be built for; use another device"},
	{CUDA_ERROR_INVALID_PTX, EIO, "the driver rejects the kernels; update the NVIDIA driver"},
	{CUDA_ERROR_JIT_COMPILER_NOT_FOUND, EIO,
		"the driver lacks its PTX compiler; install libnvidia-ptxjitcompiler.so.1 of the same "
		"driver version"},
	{CUDA_ERROR_UNSUPPORTED_PTX_VERSION, EIO,
		"the driver is too old for the kernels; update the NVIDIA driver"},
	{CUDA_ERROR_OPERATING_SYSTEM, EIO,
		"an operating system call of the driver failed; look at 'dmesg'"},
	{CUDA_ERROR_NOT_READY, EAGAIN, NULL},
	{CUDA_ERROR_NOT_PERMITTED, EACCES, "the driver refuses this user; run as root"},
	{CUDA_ERROR_NOT_SUPPORTED, EOPNOTSUPP, "the GPU or its driver can't do this"},
	{CUDA_ERROR_SYSTEM_NOT_READY, EIO,
		"the system is not ready for CUDA; start nvidia-fabricmanager, or wait and try again"},
	{CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, EIO,
		"libcuda.so.1 and the kernel module are of different driver versions; reboot, or "
		"install matching versions"},
	{CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE, EIO,
		"libcuda.so.1 is a compatibility library that this GPU can't use; take it out of "
		"LD_LIBRARY_PATH"},
	{CUDA_ERROR_UNKNOWN, EIO,
		"the NVIDIA driver is broken or not loaded whole; try 'nvidia-smi', then 'modprobe "
		"nvidia_uvm' or a reboot"},
};

static const struct error_meaning *meaning_of(cuda_result result)
{
	for (size_t i = 0; i < sizeof(error_meanings) / sizeof(*error_meanings); i++) {
		if (error_meanings[i].result == result)
			return &error_meanings[i];
	}
	return NULL;
}

/* "CUDA_ERROR_UNKNOWN", or "" where the driver has no name for it. */
static const char *result_name(const struct cuda_driver *driver, cuda_result result)
{
	const char *name = NULL;

	if (driver->get_error_name(result, &name) == CUDA_SUCCESS && name)
		return name;
	return "";
}

int cuda_check(const struct cuda_driver *driver, cuda_result result, const char *call)
{
	const struct error_meaning *meaning;

	if (result == CUDA_SUCCESS)
		return 0;
	log_debug("cuda: %s: error %d %s", call, result, result_name(driver, result));
	meaning = meaning_of(result);
	return meaning ? -meaning->err : -EIO;
}

int cuda_fail(
	const struct cuda_driver *driver, cuda_result result, const char *subject, struct why *why)
{
	const struct error_meaning *meaning = meaning_of(result);
	const int err = meaning ? meaning->err : EIO;
	const char *separator = subject ? ": " : "";
	const char *text = NULL;

	if (!subject)
		subject = "";
	log_debug("cuda: %s%serror %d %s", subject, separator, result, result_name(driver, result));
	if (meaning && meaning->advice)
		return why_fail(why, err, "%s%s%s (CUDA error %d)", subject, separator,
			meaning->advice, result);
	if (driver->get_error_string(result, &text) != CUDA_SUCCESS || !text)
		text = "unknown error";
	return why_fail(why, err,
		"%s%sthe NVIDIA driver says '%s' (CUDA error %d %s); see 'nvidia-smi' and 'dmesg'",
		subject, separator, text, result, result_name(driver, result));
}

/* A device node that is there and that this user may not open, or "". */
static void find_forbidden_node(char *path, size_t size)
{
	glob_t nodes;

	path[0] = '\0';
	if (glob("/dev/nvidia*", 0, NULL, &nodes))
		return;
	for (size_t i = 0; i < nodes.gl_pathc; i++) {
		if (euidaccess(nodes.gl_pathv[i], R_OK | W_OK) && errno == EACCES) {
			snprintf(path, size, "%s", nodes.gl_pathv[i]);
			break;
		}
	}
	globfree(&nodes);
}

/* The driver gives the same few codes for a GPU that is hidden, forbidden or absent. */
static int init_fail(const struct cuda_driver *driver, cuda_result result, struct why *why)
{
	const char *visible = getenv("CUDA_VISIBLE_DEVICES");
	char forbidden[256];

	find_forbidden_node(forbidden, sizeof(forbidden));
	if (forbidden[0])
		return why_fail(why, EACCES,
			"no permission to open %s: run as root, or join the group that owns it",
			forbidden);
	if (result == CUDA_ERROR_NO_DEVICE && visible)
		return why_fail(why, ENODEV,
			"the NVIDIA driver shows no GPU because CUDA_VISIBLE_DEVICES is '%s': unset it",
			visible);
	return cuda_fail(driver, result, NULL, why);
}

struct entry_point {
	const char *symbol;
	size_t offset; /* of its member of struct cuda_driver */
	bool required;
};

#define CUDA_REQUIRE(member, symbol, parameters) \
	{#symbol, offsetof(struct cuda_driver, member), true},
#define CUDA_TRY(member, symbol, parameters) {#symbol, offsetof(struct cuda_driver, member), false},

static const struct entry_point entry_points[] = {
	CUDA_REQUIRED_ENTRY_POINTS(CUDA_REQUIRE) CUDA_OPTIONAL_ENTRY_POINTS(CUDA_TRY)};

static pthread_mutex_t driver_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cuda_driver loaded_driver; /* complete while driver_is_loaded */
static bool driver_is_loaded;

/* called with driver_lock held */
static int load_driver(struct why *why)
{
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return why_fail(why, ENODEV, no_library, dlerror());
	for (size_t i = 0; i < sizeof(entry_points) / sizeof(*entry_points); i++) {
		void *function = dlsym(library, entry_points[i].symbol);

		if (!function && entry_points[i].required) {
			dlclose(library);
			return why_fail(why, EIO,
				"the NVIDIA driver is too old (it lacks %s): update it",
				entry_points[i].symbol);
		}
		memcpy((char *)&loaded_driver + entry_points[i].offset, &function,
			sizeof(function));
	}
	/* The library stays open: it has threads of its own, and closing it would end them badly.
	 */
	driver_is_loaded = true;
	return 0;
}

int cuda_driver_get(const struct cuda_driver **ret_driver, struct why *why)
{
	cuda_result result;
	int err = 0;

	pthread_mutex_lock(&driver_lock);
	if (!driver_is_loaded) {
		/* Launches on different streams wait for each other where these share a channel
		 * to the GPU, of which the driver makes 8 unless asked. 16 suffice for what it can
		 * launch a second; each makes opening the device take longer. */
		setenv("CUDA_DEVICE_MAX_CONNECTIONS", "16", 0);
		err = load_driver(why);
	}
	pthread_mutex_unlock(&driver_lock);
	if (err)
		return err;
	result = loaded_driver.init(0); /* cheap when repeated */
	if (result != CUDA_SUCCESS)
		return init_fail(&loaded_driver, result, why);
	*ret_driver = &loaded_driver;
	return 0;
}

/* The management library's types, as its binary interface has them. */
typedef struct nvml_device_tag *nvml_device;
struct nvml_memory {
	unsigned long long total, free, used;
};

static struct {
	int (*system_get_driver_version)(char *text, unsigned size);
	int (*device_get_handle_by_pci)(const char *pci, nvml_device *ret_device);
	int (*device_get_memory)(nvml_device device, struct nvml_memory *ret_memory);
	bool usable;
} nvml;

static pthread_once_t nvml_once = PTHREAD_ONCE_INIT;

static void load_nvml(void)
{
	void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
	int (*init)(void);

	if (!library)
		return;
	init = (int (*)(void))dlsym(library, "nvmlInit_v2");
	nvml.system_get_driver_version =
		(int (*)(char *, unsigned))dlsym(library, "nvmlSystemGetDriverVersion");
	nvml.device_get_handle_by_pci = (int (*)(const char *, nvml_device *))dlsym(
		library, "nvmlDeviceGetHandleByPciBusId_v2");
	nvml.device_get_memory = (int (*)(nvml_device, struct nvml_memory *))dlsym(
		library, "nvmlDeviceGetMemoryInfo");
	nvml.usable = init && nvml.system_get_driver_version && nvml.device_get_handle_by_pci &&
		      nvml.device_get_memory && init() == 0;
	if (!nvml.usable) {
		log_debug("cuda: libnvidia-ml.so.1 is there but of no use");
		dlclose(library);
	}
}

bool cuda_driver_version(char *text, size_t size)
{
	pthread_once(&nvml_once, load_nvml);
	return nvml.usable && nvml.system_get_driver_version(text, (unsigned)size) == 0;
}

bool cuda_free_bytes(const char *pci, uint64_t *ret_bytes)
{
	struct nvml_memory memory;
	nvml_device device;

	pthread_once(&nvml_once, load_nvml);
	if (!nvml.usable || nvml.device_get_handle_by_pci(pci, &device) != 0 ||
		nvml.device_get_memory(device, &memory) != 0)
		return false;
	*ret_bytes = memory.free;
	return true;
}
