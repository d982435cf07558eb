// A plugin in ten lines: remembers the best loss.
// begin: plugin
#include <algorithm>
#include <string>

#include "tuner_plugin.hpp"

class Best : public tuner::PluginBase {
 public:
  Best(const tuner_create_args&, const tuner::HostServices& host) : host_(host) {}
  tuner_status on_trial_result(const tuner_trial_result_event& event) override {
    for (const tuner_entry& e : tuner::members(*event.result)) {
      if (tuner::view(e.key) == "loss") best_ = std::min(best_, tuner::number(e.value, best_));
    }
    return TUNER_OK;
  }
  tuner_status close() override {
    host_.log(TUNER_LOG_INFO, "best loss: " + std::to_string(best_));
    return TUNER_OK;
  }

 private:
  tuner::HostServices host_;
  double best_ = 1e308;
};
TUNER_DEFINE_PLUGIN(Best, "best", "1.0");
// end: plugin
